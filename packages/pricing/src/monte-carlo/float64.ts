/**
 * Finite doubles in canonical bytes: eight of them, little endian, and one encoding for zero. The codecs of `@stoa/base` know
 * no floats because nothing of the exchange has them; work of the simulation does.
 */
import { DecodeError, type Codec } from "@stoa/base/codec";
import { finite } from "../refusal.ts";

export const float64: Codec<number> = {
  write(writer, value) {
    const offset = writer.reserve(8);
    writer.view.setFloat64(offset, finite("value", value) + 0, true); // the zero makes -0 to 0
  },
  read(reader) {
    const offset = reader.take(8);
    const value = reader.view.getFloat64(offset, true);
    if (value - value !== 0) throw new DecodeError(`a number that is not finite at byte ${offset}`);
    if (Object.is(value, -0)) throw new DecodeError(`a negative zero at byte ${offset}`);
    return value;
  },
  shape: { kind: "number", least: -Number.MAX_VALUE, most: Number.MAX_VALUE },
};
