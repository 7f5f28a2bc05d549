// What a tool throws when it has no answer.

/** The tool could not do it. The model reads the message, so say what would help. */
export class Failure extends Error {
  name = "Failure";
}

/** The input is not what the tool asks for. Name the field. */
export class InvalidInput extends Failure {
  name = "InvalidInput";
}
