// Made of assembly/steps.ts by tools/assembly.mjs; do not edit.
/** SHA-256 of the source. */
export const sourceHash = "98c432b520ec347b4f2e64c9b500f39dce6c87a1cb44974e4f4d8042da576b6f";
/** The module, in base64. */
export const moduleText =
  "AGFzbQEAAAABDgFgCX9/f3x8fH9/fwF/Ag8BA2VudgZtZW1vcnkCAAEDAgEABxMCBmxvb2tVcAAABm1lbW9yeQIACr0BAboBAwF8BH8BfiAAIAJBA3RqIQsgASAAa0EIayEMIAAhAUEAIQIDQCACIAZJBEAgAyACuCAEoqAhCQNAIAEgC0kEfyABKwMAIAllBUEACwRAIAFBCGohAQwBCwsgAiAIaiAAIAFHBH8gAUEIaysDACAJIAWhZAVBAAsEfyAHIAJBA3RqIAEgDGopAwAiDjcDACAOQoKAgICAgID4/wBSBUEACyINOgAAIAogDWohCiACQQFqIQIMAQsLIAoL";
