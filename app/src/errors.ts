// Errors of the executable.
import { CodedError } from "@deucalion/base";

export type AppErrorCode =
  | "APP_FLAGS" // the command line does not parse; exit code 2
  | "APP_CONFIG" // a configuration file or a combination of flags is not valid; exit code 1
  | "APP_NOT_BUILT" // the command is known but is not part of this build; exit code 1
  | "APP_RUN" // the work of a command failed or could not be done completely; exit code 1
  | "APP_LISTEN"; // an address cannot be listened on; exit code 1

export class AppError extends CodedError<AppErrorCode> {}
