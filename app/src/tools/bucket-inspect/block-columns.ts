// The columns of the table of blocks, in their order; also what it can be sorted by.

export const blockColumns = [
  "ULID",
  "FROM",
  "UNTIL",
  "RANGE",
  "UNTIL-DOWN",
  "#SERIES",
  "#SAMPLES",
  "#CHUNKS",
  "COMP-LEVEL",
  "COMP-FAILED",
  "LABELS",
  "RESOLUTION",
  "SOURCE",
] as const;
