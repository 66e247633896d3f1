/** Draws a scene with WebGL2: one context, one program, a draw call per level. */

import {
  type Frame,
  GROUP,
  ground_key,
  type Level,
  type Part,
  REST,
  type Renderer,
  type Scene,
  TOP,
} from "./map/scene";
import { pixels_per_unit } from "./map/view";
import type { Rgb } from "./palette";
import { FRAGMENT, VERTEX } from "./shaders";

const UNIFORMS = [
  "u_view",
  "u_mix",
  "u_density",
  "u_level",
  "u_radius",
  "u_alpha",
  "u_ring",
  "u_context",
  "u_back",
  "u_fore",
] as const;

type Places = Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>;

/** Which attribute reads which buffer, and as what. */
const ATTRIBUTES = [
  { name: "from", width: 2, kind: "FLOAT" },
  { name: "to", width: 2, kind: "FLOAT" },
  { name: "ink", width: 1, kind: "UNSIGNED_SHORT" },
  { name: "flags", width: 1, kind: "UNSIGNED_BYTE" },
] as const;

/** A WebGL2 context for `canvas`, or null where there is none to be had. */
export function webgl_context(canvas: HTMLCanvasElement): WebGL2RenderingContext | null {
  try {
    return canvas.getContext("webgl2", { antialias: false, depth: false, stencil: false });
  } catch {
    return null;
  }
}

/**
 * A renderer on a context that is not lost.
 *
 * After a loss and a restoration make a new one: all that the old one held is gone.
 */
export function webgl_renderer(gl: WebGL2RenderingContext): Renderer {
  const program = link(gl);
  const places = Object.fromEntries(
    UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]),
  ) as Places;
  const names = ["from", "to", "ink", "flags", "order", "top"] as const;
  const buffers = Object.fromEntries(names.map((name) => [name, gl.createBuffer()])) as Record<
    (typeof names)[number],
    WebGLBuffer
  >;
  const texture = gl.createTexture();
  const ground = make_ground(gl);
  const attributes = gl.createVertexArray();
  describe(gl, attributes, buffers);
  let held = -1;

  const fill = (name: keyof typeof buffers, data: ArrayBufferView, often = false) => {
    const elements = name === "order" || name === "top";
    const target = elements ? gl.ELEMENT_ARRAY_BUFFER : gl.ARRAY_BUFFER;
    gl.bindVertexArray(elements ? attributes : null);
    gl.bindBuffer(target, buffers[name]);
    gl.bufferData(target, data, often ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
  };
  const uploads: Record<Part, (scene: Scene) => void> = {
    layout: (scene) => {
      ground.spoil();
      fill("from", scene.from);
      fill("to", scene.to);
      if (held !== scene.n) fill("order", scene.order);
      held = scene.n;
    },
    ink: (scene) => {
      ground.spoil();
      fill("ink", scene.ink);
    },
    palette: (scene) => {
      ground.spoil();
      fill_palette(gl, texture, scene);
    },
    flags: () => ground.spoil(),
    roles: (scene) => {
      fill("flags", scene.flags, true);
      fill("top", scene.top.subarray(0, scene.n_top), true);
    },
  };
  return {
    kind: "webgl",
    upload: (scene, part) => uploads[part](scene),
    draw(scene, frame) {
      prepare(gl, program, places, scene, frame);
      gl.bindVertexArray(attributes);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      const pass = (level: Level, elements: WebGLBuffer, first: number, n: number) => {
        gl.uniform1i(places.u_level, level);
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, elements);
        gl.drawElements(gl.POINTS, n, gl.UNSIGNED_INT, 4 * first);
      };
      const n = Math.min(scene.n, frame.limit);
      const n_top = Math.min(scene.n_top, frame.top_limit);
      ground.draw(ground_key(scene, frame), () => {
        if (has_context(scene)) pass(REST, buffers.order, 0, n);
        pass(GROUP, buffers.order, 0, n);
      });
      pass(TOP, buffers.top, scene.n_top - n_top, n_top);
    },
    free() {
      for (const buffer of Object.values(buffers)) gl.deleteBuffer(buffer);
      gl.deleteTexture(texture);
      ground.free();
      gl.deleteVertexArray(attributes);
      gl.deleteProgram(program);
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

/** A picture of what lies below the top, kept until something in it changes. */
function make_ground(gl: WebGL2RenderingContext) {
  const texture = gl.createTexture();
  const target = gl.createFramebuffer();
  let [width, height, key] = [0, 0, ""];
  const match_size = () => {
    if (width === gl.drawingBufferWidth && height === gl.drawingBufferHeight) return;
    [width, height, key] = [gl.drawingBufferWidth, gl.drawingBufferHeight, ""];
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    const [at, kind] = [gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D];
    gl.framebufferTexture2D(gl.FRAMEBUFFER, at, kind, texture, 0);
  };
  return {
    spoil() {
      key = "";
    },
    /** Puts the picture on the canvas, made anew by `paint` if it is not the one asked for. */
    draw(wanted: string, paint: () => void) {
      match_size();
      if (key !== wanted) {
        gl.bindFramebuffer(gl.FRAMEBUFFER, target);
        gl.clear(gl.COLOR_BUFFER_BIT);
        paint();
        key = wanted;
      }
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      // Chromium clears a canvas it has shown before the next draw, but not before a copy: after it.
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, target);
      const box = [0, 0, width, height] as const;
      gl.blitFramebuffer(...box, ...box, gl.COLOR_BUFFER_BIT, gl.NEAREST);
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
    },
    free() {
      gl.deleteFramebuffer(target);
      gl.deleteTexture(texture);
    },
  };
}

/** Whether any item is context only, so that a pass for them is worth its time. */
function has_context(scene: Scene): boolean {
  return scene.muted.includes(1) || scene.n_outside > 0;
}

function describe(
  gl: WebGL2RenderingContext,
  attributes: WebGLVertexArrayObject,
  buffers: Record<(typeof ATTRIBUTES)[number]["name"], WebGLBuffer>,
): void {
  gl.bindVertexArray(attributes);
  ATTRIBUTES.forEach(({ name, width, kind }, place) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.enableVertexAttribArray(place);
    if (kind === "FLOAT") gl.vertexAttribPointer(place, width, gl.FLOAT, false, 0, 0);
    else gl.vertexAttribIPointer(place, width, gl[kind], 0, 0);
  });
}

/** One row of colours; alpha 0 marks the muted. */
function fill_palette(gl: WebGL2RenderingContext, texture: WebGLTexture, scene: Scene): void {
  const bytes = new Uint8Array(4 * scene.palette.length);
  scene.palette.forEach((colour, i) => {
    bytes.set([...colour, scene.muted[i] ? 0 : 255], 4 * i);
  });
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  const width = scene.palette.length;
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
}

function prepare(
  gl: WebGL2RenderingContext,
  program: WebGLProgram,
  places: Places,
  scene: Scene,
  { view, size, density, paper, marks }: Frame,
): void {
  const scale = pixels_per_unit(view, size);
  const [sx, sy] = [(2 * scale) / size.width, (2 * scale) / size.height];
  gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
  gl.clearColor(0, 0, 0, 0);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.useProgram(program);
  gl.uniform4f(places.u_view, sx, sy, -view.x * sx, -view.y * sy);
  gl.uniform1f(places.u_mix, scene.mix);
  gl.uniform1f(places.u_density, density);
  gl.uniform2f(places.u_radius, marks.dot, marks.mark);
  gl.uniform2f(places.u_alpha, marks.context_alpha, marks.group_alpha);
  gl.uniform2f(places.u_ring, marks.ring_gap, marks.ring_width);
  gl.uniform3f(places.u_context, ...unit(paper.context));
  gl.uniform3f(places.u_back, ...unit(paper.back));
  gl.uniform3f(places.u_fore, ...unit(paper.fore));
}

function unit([r, g, b]: Rgb): [number, number, number] {
  return [r / 255, g / 255, b / 255];
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`The map's shaders do not link here: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
