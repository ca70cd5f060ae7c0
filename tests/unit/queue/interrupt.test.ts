import { expect, test } from "vitest";
import { type Guest, type Host, makesRoom, secondsLeft } from "#lib/queue/interrupt.ts";
import { priorities } from "#lib/queue/jobs.ts";

const bobs: Host = {
  resource: "compute",
  lane: "seconds",
  priority: priorities.person,
  groupId: "bob",
  turn: 20,
  left: 1,
  slowness: 1,
  owed: () => 0,
};
const eves: Guest = { lane: "seconds", priority: priorities.person, groupId: "eve", turn: 10, seconds: 3 };

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
