/**
 * Find items by a line of text: rows, classes, right or wrong, conditions on columns.
 *
 * The same grammar stands in `latentlens/core/search.py`, where it is written out;
 * `tests/golden/search.json` holds the two equal, rows and words alike.
 */

import { read_condition } from "./search_conditions";
import { type Joined, NotUnderstood, type Query, type Vocabulary } from "./search_terms";

export { what_can_be_typed } from "./search_conditions";
export * from "./search_terms";

/**
 * Opened where a word begins, closed where one ends: "don't" has no quotes. The bound keeps
 * a pasted list of thousands of quotes from being looked through for each of them.
 */
const QUOTED = /(?<![^\s()<>=!~])['‘“](?:[^"'’”]|['’”](?=[^\s()<>=!])){0,200}['’”](?![^\s()<>=!])/
  .source;
const TOKEN = new RegExp(
  `"[^"]*"|${QUOTED}|[()]|(?<![^\\s(!~])[!~](?!=)|(?:(?!${QUOTED})[^\\s()"])+|"`,
  "g",
);
/** Pasted with a text, and not white space, or the end of a line, to each of the two engines. */
const BLANKS = new Set("\ufeff\x85\x1c\x1d\x1e\x1f\u2028\u2029\r");
const SIGNS: ReadonlyMap<string, string> = new Map([
  ["and", "and"],
  ["&", "and"],
  ["&&", "and"],
  ["or", "or"],
  ["|", "or"],
  ["||", "or"],
  ["not", "not"],
  ["!", "not"],
  ["~", "not"],
  ["(", "("],
  [")", ")"],
]);
const IN_NAMES = /["()]|^[!~'‘“]|(?<!\S)(?:and|or|not|[&|]{1,2})(?!\S)/i;
const EDGE = /[\s()<>=!"]/;
/** Of "not" and parentheses in one line, which are read by recursion. */
const MOST_NESTED = 100;

interface Token {
  text: string;
  start: number;
  /** What it does: "and", "or", "not", a parenthesis, or nothing. */
  sign: string;
}

/** Read a line of text as conditions that "and", "or", "not" join; throws `NotUnderstood`. */
export function read_search(text: string, known: Vocabulary): Query {
  const plain = Array.from(text, (letter) => (BLANKS.has(letter) ? " " : letter)).join("");
  return new Parser(plain, known).read();
}

/** Recursive descent over one line. */
class Parser {
  private readonly tokens: Token[];
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly known: Vocabulary,
  ) {
    this.tokens = tokens_of(text, known);
  }

  read(): Query {
    if (this.tokens.length === 0) return read_condition("", this.known);
    const open = this.tokens.find(({ text }) => text === '"');
    if (open) throw this.refusal('expected a closing ", but the line ends', open);
    const nested = this.tokens.filter(({ sign }) => sign === "not" || sign === "(");
    const over = nested[MOST_NESTED];
    if (over) {
      const got = `expected at most ${MOST_NESTED} "not" and parentheses, got ${nested.length}`;
      throw this.refusal(got, over);
    }
    const query = this.some();
    const next = this.next();
    if (!next) return query;
    throw this.unexpected(next, "the end");
  }

  private next(): Token | undefined {
    return this.tokens[this.at];
  }

  private some(): Query {
    return this.joined("or", () => this.every());
  }

  private every(): Query {
    return this.joined("and", () => this.one());
  }

  private joined(join: Joined["join"], part: () => Query): Query {
    const parts = [part()];
    while (this.next()?.sign === join) {
      this.at++;
      parts.push(part());
    }
    return parts.length === 1 ? parts[0]! : { kind: "joined", join, parts };
  }

  private one(): Query {
    const token = this.next();
    if (!token) {
      const last = this.tokens.at(-1)!;
      throw this.refusal(`expected a condition after "${last.text}", but the line ends`, last);
    }
    if (token.sign === "not") {
      this.at++;
      return { kind: "joined", join: "not", parts: [this.one()] };
    }
    if (token.sign === "(") return this.group(token);
    if (token.sign) throw this.refusal(`expected a condition, got "${token.text}"`, token);
    return this.condition(token);
  }

  private group(opening: Token): Query {
    this.at++;
    const query = this.some();
    const next = this.next();
    if (!next) throw this.refusal('expected ")" for this "(", but the line ends', opening);
    if (next.sign !== ")") throw this.unexpected(next, '")"');
    this.at++;
    return query;
  }

  private condition({ start }: Token): Query {
    let end = start;
    for (let next = this.next(); next && /^(not)?$/.test(next.sign); next = this.next()) {
      end = next.start + next.text.length;
      this.at++;
    }
    const part = this.text.slice(start, end);
    try {
      return read_condition(part, this.known);
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      const at = start + place_of(error.got, part);
      throw new NotUnderstood(this.placed(error.message, at), error.got);
    }
  }

  private unexpected(token: Token, end: string): NotUnderstood {
    const hint = token.sign === "(" ? "; quote a name that has parentheses" : "";
    return this.refusal(`expected "and", "or" or ${end}, got "${token.text}"${hint}`, token);
  }

  private refusal(message: string, { text, start }: Token): NotUnderstood {
    const words = `${message[0]!.toUpperCase()}${message.slice(1)}.`;
    return new NotUnderstood(this.placed(words, start), text);
  }

  /** Say at which word, where there is more than one. */
  private placed(message: string, at: number): string {
    const count = (text: string) => text.match(/\S+/g)?.length ?? 0;
    if (count(this.text) === 1) return message;
    const word = count(this.text.slice(0, at + 1));
    return `At word ${word}, ${message[0]!.toLowerCase()}${message.slice(1)}`;
  }
}

/** Where in a part what was refused stands: a word of its own, or else in one. */
function place_of(got: string, part: string): number {
  if (got === part) return 0;
  const plain = got.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = got ? [...part.matchAll(new RegExp(`(?<!\\S)${plain}(?!\\S)`, "g"))] : [];
  return whole.at(-1)?.index ?? Math.max(part.lastIndexOf(got), 0);
}

/** Part a line into words, quoted text and signs; a name with signs in it stays whole. */
function tokens_of(text: string, { classes, columns }: Vocabulary): Token[] {
  const names = [...classes, ...columns.keys()].filter(needs_care);
  names.sort((a, b) => b.length - a.length);
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const start = found.index;
    const name = names.find((name) => stands_at(name, text, start));
    const token = name === undefined ? found[0] : text.slice(start, start + name.length);
    const sign = name === undefined ? (SIGNS.get(token.toLowerCase()) ?? "") : "";
    tokens.push({ text: token, start, sign });
    pattern.lastIndex = start + token.length;
  }
  return tokens;
}

function needs_care(name: string): boolean {
  return IN_NAMES.test(name) && !SIGNS.has(name.toLowerCase()) && name !== '"';
}

function stands_at(name: string, text: string, at: number): boolean {
  const end = at + name.length;
  const fits = text.slice(at, end).toLowerCase() === name.toLowerCase();
  const edge = (i: number) => i < 0 || i >= text.length || EDGE.test(text[i]!);
  return fits && edge(at - 1) && edge(end);
}
