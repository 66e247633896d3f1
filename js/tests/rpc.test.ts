import { expect, it, vi } from "vitest";
import type { Question, Reply } from "../src/protocol.gen";
import { Dropped, KernelGone, Refused, Rpc } from "../src/rpc";

function make() {
  const sent: { id: number; kind: string }[] = [];
  const rpc = new Rpc((content) => sent.push(content as { id: number; kind: string }));
  const reply = (message: object) => rpc.receive(message as Reply, []);
  return { rpc, sent, reply };
}

const question = {} as Question;

it("gives each answer to the question with its id", async () => {
  const { rpc, sent, reply } = make();
  const first = rpc.ask({ kind: "pictures", rows: [1] });
  const second = rpc.ask({ kind: "pictures", rows: [2] });
  reply({ kind: "pictures", id: sent[1]!.id, pictures: [{ row: 2 }] });
  reply({ kind: "pictures", id: sent[0]!.id, pictures: [{ row: 1 }] });
  expect((await first).pictures[0]?.row).toBe(1);
  expect((await second).pictures[0]?.row).toBe(2);
});

it("leaves answers to other browsers alone", () => {
  const { reply } = make();
  expect(() => reply({ kind: "ok", id: 1 })).not.toThrow();
});

it("counts from another number in another browser", () => {
  const [a, b] = [make(), make()];
  void a.rpc.ask({ kind: "hello" });
  void b.rpc.ask({ kind: "hello" });
  expect(a.sent[0]!.id).not.toBe(b.sent[0]!.id);
});

it("lets the newest question of a kind win", async () => {
  const { rpc, sent, reply } = make();
  const older = rpc.ask({ kind: "means", question });
  const newer = rpc.ask({ kind: "means", question });
  await expect(older).rejects.toThrow(Dropped);
  reply({ kind: "means", id: sent[0]!.id, note: "old" });
  reply({ kind: "means", id: sent[1]!.id, note: "new" });
  expect((await newer).note).toBe("new");
});

it("keeps every question for pictures", async () => {
  const { rpc, sent, reply } = make();
  const older = rpc.ask({ kind: "pictures", rows: [] });
  void rpc.ask({ kind: "pictures", rows: [] });
  reply({ kind: "pictures", id: sent[0]!.id, pictures: [] });
  await expect(older).resolves.toBeDefined();
});

it("passes the kernel's sentence on", async () => {
  const { rpc, sent, reply } = make();
  const asked = rpc.ask({ kind: "layer", layer: "fc9" });
  reply({ kind: "error", id: sent[0]!.id, message: "There is no layer 'fc9'." });
  await expect(asked).rejects.toThrow(new Refused("There is no layer 'fc9'."));
});

it("tells how far an answer is before it comes", async () => {
  const { rpc, sent, reply } = make();
  const progress = vi.fn();
  const asked = rpc.ask({ kind: "means", question }, progress);
  reply({ kind: "progress", id: sent[0]!.id, done: 3, total: 7 });
  reply({ kind: "means", id: sent[0]!.id });
  await asked;
  expect(progress.mock.calls).toEqual([[3, 7]]);
});

it("says so where there is no kernel to send to", async () => {
  const rpc = new Rpc(() => {
    throw new Error("Kernel is dead");
  });
  await expect(rpc.ask({ kind: "hello" })).rejects.toThrow(KernelGone);
});

it("gives up open questions when the kernel goes", async () => {
  const { rpc } = make();
  const asked = rpc.ask({ kind: "latent" });
  rpc.abandon(new KernelGone("gone"));
  await expect(asked).rejects.toThrow("gone");
  expect(rpc.open("latent")).toBe(false);
});
