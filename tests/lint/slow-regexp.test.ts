import { expect, test } from "vitest";
import { faultOf } from "./slow-regexp.js";

const slow: readonly RegExp[] = [
  /(a+)+$/,
  /(a|a)*$/,
  /^bytes=\s*(\d*)\s*-/,
  /\s+$/,
  /lock file ".*" already/,
  /foo.*bar/,
  /(^|\/)\.git\/.*$/,
  /(?<=:\s*)x/,
  /^(.+)@(.+)\.(.+)$/,
  /\[([^\]]*)\]\(/,
];

const fast: readonly RegExp[] = [
  /^[\w.-]+\/[\w.-]+$/,
  /"[^"]*"/g,
  /^(?:\d+(?:\.\d*)?|\.\d+)$/,
  /\r?\n/g,
  /[*_`]/g,
  /^\s{0,3}#/,
  /\n[^\S\n]*\n/,
  /a.*/,
  /\bword\b/i,
  /x*y/y,
  /[\p{L}--[a-z]]+/v,
];

test.each(slow)("%s is refused", (expression) => {
  expect(faultOf(expression.source, expression.flags)).toMatch(/“/);
});

test.each(fast)("%s is let through", (expression) => {
  expect(faultOf(expression.source, expression.flags)).toBeNull();
});
