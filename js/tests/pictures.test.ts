import { describe, expect, it, vi } from "vitest";
import { encode } from "../src/codec";
import { draw_picture, PictureBook, write_pixels } from "../src/pictures";
import type { Picture } from "../src/protocol.gen";

describe("drawing", () => {
  it("spreads grey to all channels and keeps colours", () => {
    const grey = new Uint8Array(8);
    write_pixels(Uint8Array.of(7, 9), 1, grey);
    expect(Array.from(grey)).toEqual([7, 7, 7, 255, 9, 9, 9, 255]);
    const colour = new Uint8Array(4);
    write_pixels(Uint8Array.of(1, 2, 3), 3, colour);
    expect(Array.from(colour)).toEqual([1, 2, 3, 255]);
  });

  it.each([
    [8, false],
    [60, false],
    [96, true],
  ])("shows the pixels of an image of %d as they are, or smoothed: %s", (side, smooth) => {
    const image = encode(new Uint8Array(side * side), [side, side]);
    const canvas = draw_picture({ row: 0, kind: "image", image }, 60);
    expect(canvas.classList.contains("ll-smooth")).toBe(smooth);
  });

  it("fits an image into its size without changing its shape", () => {
    const image = encode(new Uint8Array(6 * 12), [6, 12]);
    const canvas = draw_picture({ row: 0, kind: "image", image }, 60) as HTMLCanvasElement;
    expect([canvas.width, canvas.height]).toEqual([12, 6]);
    expect([canvas.style.width, canvas.style.height]).toEqual(["60px", "30px"]);
  });

  it("shows text as text", () => {
    const card = draw_picture({ row: 0, kind: "text", text: "<b>no</b> markup" }, 60);
    expect(card.querySelector("b")).toBeNull();
    expect(card.textContent).toBe("<b>no</b> markup");
  });

  it("draws a line per channel of a series and lifts the pen over what is not a number", () => {
    const values = Float32Array.of(0, 5, 1, Number.NaN, 2, 7, 3, 8);
    const series = encode(values, [4, 2]);
    const paths = draw_picture({ row: 0, kind: "series", series }, 60).querySelectorAll("path");
    expect(paths.length).toBe(2);
    expect(paths[0]!.getAttribute("d")!.match(/M/g)!.length).toBe(1);
    expect(paths[1]!.getAttribute("d")!.match(/M/g)!.length).toBe(2);
  });

  it("leaves a place for what is still to come, and another for what never will", () => {
    expect(draw_picture(undefined, 60).classList.contains("ll-coming")).toBe(true);
    expect(draw_picture({ row: 0, kind: "none" }, 60).classList.contains("ll-coming")).toBe(false);
  });
});

describe("the book", () => {
  function make() {
    vi.useFakeTimers();
    const fetch = vi.fn(
      async (rows: number[]): Promise<Picture[]> => rows.map((row) => ({ row, kind: "none" })),
    );
    const arrived = vi.fn();
    const book = new PictureBook(fetch, arrived);
    return { book, fetch, arrived, pass: () => vi.advanceTimersByTimeAsync(100) };
  }

  it("asks once for all that was wanted at a time", async () => {
    const { book, fetch, arrived, pass } = make();
    for (const row of [4, 5, 4]) expect(book.get(row)).toBeUndefined();
    await pass();
    expect(fetch.mock.calls).toEqual([[[4, 5]]]);
    expect(arrived).toHaveBeenCalledTimes(1);
    expect(book.get(4)).toEqual({ row: 4, kind: "none" });
    await pass();
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it("asks for no more than the kernel gives, the newest first", async () => {
    const { book, fetch, pass } = make();
    for (let row = 0; row < 250; row++) book.get(row);
    await pass();
    expect(fetch.mock.calls[0]![0].length).toBe(200);
    expect(fetch.mock.calls[0]![0].at(-1)).toBe(249);
    book.get(0);
    await pass();
    expect(fetch.mock.calls[1]![0]).toEqual([0]);
  });

  it("asks again after a failure", async () => {
    const { book, fetch, pass } = make();
    fetch.mockRejectedValueOnce(new Error("busy"));
    book.get(1);
    await pass();
    book.get(1);
    await pass();
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(book.get(1)).toBeDefined();
  });

  it("drops what comes for items that are no more", async () => {
    const { book, arrived, pass } = make();
    book.get(1);
    vi.advanceTimersByTime(40);
    book.clear();
    await pass();
    expect(arrived).not.toHaveBeenCalled();
  });
});
