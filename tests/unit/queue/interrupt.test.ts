import { expect, test } from "vitest";
import { type Guest, type Host, makesRoom, secondsLeft } from "#lib/queue/interrupt.ts";
import { priorities } from "#lib/queue/jobs.ts";

const bobs: Host = {
  resource: "compute",
  lane: "seconds",
  priority: priorities.person,
  groupId: "bob",
  turn: 20,
  backlog: 0,
  left: 1,
  slowness: 1,
  owed: () => 0,
};
const eves: Guest = { lane: "seconds", priority: priorities.person, groupId: "eve", turn: 18, backlog: 3, seconds: 3 };

test("a picture makes room for another person's who has had less, if that takes less than is left of it", () => {
  expect(makesRoom(bobs, { ...eves, seconds: 0.5 })).toBe(true);
  expect(makesRoom(bobs, { ...eves, seconds: 0.5, turn: 30 })).toBe(false);
  expect(makesRoom(bobs, eves)).toBe(false);
});

test("a machine that is slow makes the guest as slow as the host", () => {
  const [thought, worked] = [1, 4];
  const slow = { ...bobs, left: secondsLeft(thought, worked), slowness: worked / thought };
  expect(slow.left).toBeGreaterThan(eves.seconds);
  expect(makesRoom(slow, eves)).toBe(false);
  expect(makesRoom(slow, { ...eves, seconds: 0.5 })).toBe(true);
});

const check = { lane: "minutes", left: 60, turn: 60 } as const;
const flooding = 300;

test("a flooder's work makes room at once, and again, for whoever stands before even after their turn", () => {
  const eves = { ...bobs, ...check, groupId: "eve", backlog: flooding, owed: () => 40 };
  const another: Guest = { ...check, groupId: "bob", priority: priorities.person, turn: 0, backlog: 60, seconds: 60 };
  expect(makesRoom(eves, another)).toBe(true);
  expect(makesRoom(eves, { ...another, turn: 290 })).toBe(true);
  expect(makesRoom(eves, { ...another, turn: 310 })).toBe(false);
  expect(makesRoom({ ...eves, backlog: 0 }, { ...another, turn: 30 })).toBe(false); // she asks for no more than he
});

test("another's work makes no room for a flooder's, however short", () => {
  const preview = { ...eves, seconds: 3, turn: 0 };
  expect(makesRoom({ ...bobs, ...check }, preview)).toBe(true);
  expect(makesRoom({ ...bobs, ...check }, { ...preview, turn: 60, backlog: flooding })).toBe(false);
});
