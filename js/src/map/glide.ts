/** Moving from one layout to the next within a moment. */

export const GLIDE_MS = 400;

/**
 * Calls `step` with the share done, eased, until it is 1.
 *
 * Jumps at once where motion is not wanted, or where nobody looks: a hidden page gets no frames.
 *
 * @returns a function that ends it where it is.
 */
export function glide(step: (share: number) => void, view: Window = window): () => void {
  if (still(view)) {
    step(1);
    return () => {};
  }
  const began = view.performance.now();
  let frame = 0;
  const stop = () => {
    view.cancelAnimationFrame(frame);
    view.document.removeEventListener("visibilitychange", hidden);
  };
  const hidden = () => {
    if (!view.document.hidden) return;
    stop();
    step(1);
  };
  const tick = () => {
    const share = Math.min(1, (view.performance.now() - began) / GLIDE_MS);
    if (share === 1) stop();
    else frame = view.requestAnimationFrame(tick);
    step(ease(share));
  };
  view.document.addEventListener("visibilitychange", hidden);
  frame = view.requestAnimationFrame(tick);
  return stop;
}

function still(view: Window): boolean {
  return view.document.hidden || view.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Slow, fast, slow. */
function ease(share: number): number {
  return share * share * (3 - 2 * share);
}

/** The layout at `share` of the way between two. */
export function between(from: Float32Array, to: Float32Array, share: number): Float32Array {
  if (share >= 1) return to;
  return to.map((value, i) => from[i]! + (value - from[i]!) * share);
}
