// A batch whose chunks lie in memory that is used again once its user says so.
import { EncodedBatch } from "@deucalion/model";

export class LentBatch extends EncodedBatch {
  released = false;

  release(): void {
    this.released = true;
  }
}
