// Label sets in cold messages: thanos.Label, thanos.LabelSet and thanos.ZLabelSet.
import { Labels } from "@deucalion/model";
import {
  defineMessage,
  type MessageType,
  messageField,
  type ProtoReader,
  repeated,
  scalarField,
} from "@deucalion/rpc";

export interface Label {
  name: string;
  value: string;
}

export const LabelMessage: MessageType<Label> = defineMessage<Label>("thanos.Label", [
  scalarField(1, "name", "string", { jsonKeep: true }),
  scalarField(2, "value", "string", { jsonKeep: true }),
]);

function readLabels(reader: ProtoReader): Labels {
  const entries: [string, string][] = [];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const { name, value } = LabelMessage.read(reader.message(), 1);
    entries.push([name, value]);
  }
  return Labels.from(entries);
}

/** A label set is `Labels` in memory and a map in JSON. */
export const LabelSet: MessageType<Labels> = defineMessage<Labels>(
  "thanos.ZLabelSet",
  [repeated(messageField(1, "labels", () => LabelMessage))],
  {
    read: readLabels,
    write(labels, out) {
      for (const [name, value] of labels) {
        const mark = out.open(1);
        out.string(1, name);
        out.string(2, value);
        out.close(mark);
      }
    },
    toJson: (labels) => labels.toJSON(),
  },
);
