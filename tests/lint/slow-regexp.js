import { createRequire } from "node:module";

const require = createRequire(import.meta.url); // these packages have no named exports for modules
const { RegExpParser, visitRegExpAST } = require("@eslint-community/regexpp");
const { getConsumedChars, getFirstConsumedChar, isPotentiallyEmpty } = require("regexp-ast-analysis");
const { analyse } = require("scslre");

/**
 * Rules for oxlint: an expression that takes more than linear time on some text is refused, whoever's text it is used on now.
 *
 * - `linear`: repetitions that are nested or overlap (`(a+)+`, `\s*,?\s*x`), which scslre finds, and those that are gone through again
 *   from every place that the expression is tried at (`b.*c` on “bbbbb…”), which a search without an anchor does.
 * - `no-dynamic`: an expression that is put together at run time cannot be looked at, and may be a stranger's.
 */
const plugin = {
  meta: { name: "slow-regexp" },
  rules: {
    linear: {
      create: (context) => ({
        Literal(node) {
          if (!node.regex) return;
          const fault = faultOf(node.regex.pattern, node.regex.flags);
          if (fault) context.report({ node, message: fault });
        },
      }),
    },
    "no-dynamic": {
      create: (context) => {
        const check = (node) => {
          if (node.callee.type !== "Identifier" || node.callee.name !== "RegExp") return;
          context.report({ node, message: "Write the expression as a literal, or a small parser in its place." });
        };
        return { NewExpression: check, CallExpression: check };
      },
    },
  },
};

export default plugin;

/** What is slow in an expression, as a sentence; null for one that takes linear time. */
export function faultOf(source, flags) {
  const [report] = analyse({ source, flags }).reports;
  if (report) {
    const on = report.character.pick;
    const degree = report.exponential ? "exponential" : "polynomial";
    return `This takes ${degree} time on a text like “${on.repeat(3)}…”; no two repetitions may match the same text.`;
  }
  const again = rescanned(source, flags);
  return (
    again &&
    `“${again}” is gone through again from every place where a match may begin; anchor the expression, or keep what begins it out of the repetition.`
  );
}

function rescanned(source, flags) {
  if (flags.includes("y")) return null;
  const parser = new RegExpParser();
  const isSets = flags.includes("v");
  const pattern = parser.parsePattern(source, 0, source.length, { unicode: flags.includes("u"), unicodeSets: isSets });
  const parsed = parser.parseFlags(flags);
  for (const alternative of pattern.alternatives) {
    if (isAnchored(alternative, parsed)) continue;
    const first = getFirstConsumedChar(alternative, "ltr", parsed);
    let found = null;
    visitRegExpAST(alternative, {
      onQuantifierEnter(quantifier) {
        if (found || quantifier.max !== Infinity || isLast(quantifier, parsed)) return;
        const chars = getConsumedChars(quantifier.element, parsed).chars;
        if (!first.char.isDisjointWith(chars)) found = quantifier.raw;
      },
    });
    if (found) return found;
  }
  return null;
}

/** Whether it is tried at one place only. */
function isAnchored({ elements }, { multiline }) {
  return elements[0]?.type === "Assertion" && elements[0].kind === "start" && !multiline;
}

/** Whether nothing behind it can refuse what it took. */
function isLast(node, flags) {
  const { parent } = node;
  if (parent.type === "Pattern") return true;
  if (parent.type === "Assertion") return false;
  if (parent.type !== "Alternative") return isLast(parent, flags);
  const behind = parent.elements.slice(parent.elements.indexOf(node) + 1);
  return behind.every((each) => each.type !== "Assertion" && isPotentiallyEmpty(each, flags)) && isLast(parent, flags);
}
