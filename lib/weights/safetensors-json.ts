import { type Dtype, isDtype } from "#lib/tensor/dtype.ts";
import { utf8Length } from "#lib/util/utf8-length.ts";
import type { Defect, Refuse } from "./safetensors-defects.ts";

/** A tensor as its header declares it: `begin` and `end` count bytes of the data section. */
export interface DeclaredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface DeclaredHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, DeclaredTensor>;
}

/**
 * Parses the text of a safetensors header, which is JSON of one form only:
 *
 *   { "__metadata__": { key: string, … }, name: { "dtype": string, "shape": [integer, …], "data_offsets": [integer, integer] }, … }
 *
 * `JSON.parse` is not used for the whole, because it keeps the last of two equal names, takes 4.0 for 4, rounds beyond 2⁵³, and
 * follows any depth. Here names are compared as decoded, integers are plain digits up to 2⁵³ − 1, and only spaces may follow.
 */
export const parseHeader = (text: string, refuse: Refuse): DeclaredHeader => new HeaderScanner(text, refuse).header();

const MAX_TENSORS = 100_000;
const MAX_METADATA_KEYS = 10_000;
const MAX_METADATA_VALUE_BYTES = 4 * 2 ** 20; // trainers keep the tags of a whole data set in one
const MAX_NAME_BYTES = 1024;
const MAX_RANK = 16;

/** Names that every plain object already has. */
const reservedNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

class HeaderScanner {
  readonly #text: string;
  readonly #refuse: Refuse;
  #at = 0;

  constructor(text: string, refuse: Refuse) {
    this.#text = text;
    this.#refuse = refuse;
  }

  header(): DeclaredHeader {
    let metadata: Map<string, string> | undefined;
    const tensors = new Map<string, DeclaredTensor>();
    if (!this.#text.startsWith("{")) this.#unexpected('"{"');
    this.#object((name) => {
      if (name === "__metadata__") {
        if (metadata) this.#refuse("duplicate_metadata", "its header has two __metadata__");
        metadata = this.#metadata();
        return;
      }
      this.#requireName(name, "a tensor");
      if (tensors.has(name)) this.#refuse("duplicate_name", `two tensors are named ${quote(name)}`, { name });
      if (tensors.size === MAX_TENSORS)
        this.#refuse("too_many_tensors", `it has more than ${MAX_TENSORS} tensors`, { max: MAX_TENSORS });
      tensors.set(name, this.#tensor(name));
    });
    for (; this.#at < this.#text.length; this.#at++)
      if (this.#text[this.#at] !== " ") this.#unexpected("only spaces", "bad_padding");
    return { metadata: metadata ?? new Map(), tensors };
  }

  #metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.#object((name) => {
      this.#requireName(name, "a metadata key");
      if (metadata.has(name)) this.#refuse("duplicate_metadata", `its metadata has ${quote(name)} twice`, { name });
      if (metadata.size === MAX_METADATA_KEYS)
        this.#refuse("too_much_metadata", `its metadata has more than ${MAX_METADATA_KEYS} keys`, {
          max: MAX_METADATA_KEYS,
        });
      const value = this.#string("a string", "bad_metadata");
      const bytes = utf8Length(value);
      if (bytes > MAX_METADATA_VALUE_BYTES) {
        const detail = { name, actual: bytes, max: MAX_METADATA_VALUE_BYTES };
        this.#refuse(
          "too_much_metadata",
          `its metadata ${quote(name)} has ${bytes} bytes, and at most ${MAX_METADATA_VALUE_BYTES} are read`,
          detail,
        );
      }
      // Tabs and ends of lines belong to text, and badly converted text holds U+0080 to U+009F.
      if (/[\p{Cc}--[\t\n\r\x7f-\x9f]]/v.test(value))
        this.#refuse("control_character", `its metadata ${quote(name)} holds a control character`, { name });
      metadata.set(name, value);
    }, "bad_metadata");
    return metadata;
  }

  #tensor(name: string): DeclaredTensor {
    const fields: { dtype?: Dtype; shape?: number[]; data_offsets?: number[] } = {};
    this.#object((field) => {
      if (Object.hasOwn(fields, field))
        this.#refuse("duplicate_field", `${tensorNamed(name)} has its ${field} twice`, { name, field });
      if (field === "dtype") fields.dtype = this.#dtype(name);
      else if (field === "shape") fields.shape = this.#integers(MAX_RANK, "too_many_dimensions");
      else if (field === "data_offsets") fields.data_offsets = this.#integers(2, "bad_offsets");
      else
        this.#refuse(
          "unknown_field",
          `${tensorNamed(name)} has a field ${quote(field)}, which the format does not know`,
          { name, field: clip(field) },
        );
    });
    const { dtype, shape, data_offsets: offsets } = fields;
    if (!dtype || !shape || !offsets) {
      const field = !dtype ? "dtype" : !shape ? "shape" : "data_offsets";
      return this.#refuse("missing_field", `${tensorNamed(name)} lacks its ${field}`, { name, field });
    }
    const [begin, end] = offsets;
    if (begin === undefined || end === undefined)
      return this.#refuse("bad_offsets", `${tensorNamed(name)} has fewer than two data_offsets`, { name });
    return { dtype, shape, begin, end };
  }

  #dtype(name: string): Dtype {
    const dtype = this.#string("the name of a dtype", "unknown_dtype");
    if (isDtype(dtype)) return dtype;
    return this.#refuse("unknown_dtype", `${tensorNamed(name)} has the dtype ${quote(dtype)}, which is not read here`, {
      name,
      dtype: clip(dtype),
    });
  }

  #requireName(name: string, what: string): void {
    const bytes = utf8Length(name);
    if (bytes === 0) this.#refuse("empty_name", `the name of ${what} is empty`);
    if (bytes > MAX_NAME_BYTES) {
      this.#refuse("name_too_long", `the name of ${what} has ${bytes} bytes, and at most ${MAX_NAME_BYTES} are read`, {
        actual: bytes,
        max: MAX_NAME_BYTES,
      });
    }
    if (/\p{Cc}/u.test(name))
      this.#refuse("control_character", `the name ${quote(name)} of ${what} holds a control character`, { name });
    if (reservedNames.has(name))
      this.#refuse("reserved_name", `${what} is named ${quote(name)}, which programs may take for something else`, {
        name,
      });
  }

  /** Walks an object. Hands each decoded name to `member`, which scans the value. */
  #object(member: (name: string) => void, otherwise: Defect = "bad_syntax"): void {
    this.#expect("{", otherwise);
    if (this.#accept("}")) return;
    do {
      const name = this.#string("a name");
      this.#expect(":");
      member(name);
    } while (this.#accept(","));
    this.#expect("}");
  }

  #integers(max: number, ifMore: Defect): number[] {
    const integers: number[] = [];
    this.#expect("[");
    const begin = this.#at;
    if (this.#accept("]")) return integers;
    do {
      if (integers.length === max)
        this.#refuse(ifMore, `the list at character ${begin} of its header has more than ${max} numbers`, {
          at: begin,
          max,
        });
      integers.push(this.#integer());
    } while (this.#accept(","));
    this.#expect("]");
    return integers;
  }

  #integer(): number {
    this.#skipBlanks();
    const begin = this.#at;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    const digits = this.#text.slice(begin, this.#at);
    const plain = digits === "0" || (digits !== "" && !digits.startsWith("0"));
    if (!plain || ".eE".includes(this.#text[this.#at] ?? " ")) {
      this.#at = begin;
      this.#unexpected("a whole number in plain digits", "bad_integer");
    }
    const value = Number(digits);
    if (!Number.isSafeInteger(value))
      this.#refuse("integer_too_large", `its header has a number of ${digits.length} digits, beyond 2^53 − 1`, {
        at: begin,
      });
    return value;
  }

  #string(expected: string, otherwise: Defect = "bad_syntax"): string {
    this.#expect('"', otherwise, expected);
    const begin = this.#at;
    let escaped = false;
    let code = this.#text.charCodeAt(begin);
    while (code !== QUOTE) {
      if (code === BACKSLASH) {
        escaped = true;
        code = this.#text.charCodeAt(++this.#at);
      }
      if (Number.isNaN(code)) this.#unexpected("the end of a string");
      if (code < SPACE) this.#unexpected("an escape sequence", "control_character");
      code = this.#text.charCodeAt(++this.#at);
    }
    const raw = this.#text.slice(begin, this.#at++);
    return escaped ? this.#unescape(raw, begin) : raw;
  }

  #unescape(raw: string, begin: number): string {
    let value: string;
    try {
      value = JSON.parse(`"${raw}"`);
    } catch {
      return this.#refuse(
        "bad_syntax",
        `the string at character ${begin} of its header has an escape sequence that JSON does not know`,
        { at: begin },
      );
    }
    if (!value.isWellFormed())
      this.#refuse("lone_surrogate", `the string at character ${begin} of its header has half of a surrogate pair`, {
        at: begin,
      });
    return value;
  }

  #accept(character: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string, otherwise: Defect = "bad_syntax", expected = `"${character}"`): void {
    if (!this.#accept(character)) this.#unexpected(expected, otherwise);
  }

  #skipBlanks(): void {
    while (isBlank(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #unexpected(expected: string, defect: Defect = "bad_syntax"): never {
    const code = this.#text.codePointAt(this.#at);
    const found = code === undefined ? "ends" : `has ${quote(String.fromCodePoint(code))}`;
    return this.#refuse(defect, `its header ${found} at character ${this.#at} where ${expected} should be`, {
      at: this.#at,
    });
  }
}

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE, QUOTE, BACKSLASH] = [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x5c];
const isBlank = (code: number): boolean =>
  code === SPACE || code === LINE_FEED || code === CARRIAGE_RETURN || code === TAB;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
const quote = (text: string): string => JSON.stringify(clip(text));
const tensorNamed = (name: string): string => `the tensor ${quote(name)}`;
