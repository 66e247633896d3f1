/** Draws a scene with WebGL2: one context, one program, a draw call per level. */

import { SQUARE } from "./map/glyph";
import {
  ADDED,
  type Frame,
  GROUP,
  ground_key,
  type Level,
  OUTLIER,
  OUTSIDE,
  type Part,
  REST,
  type Renderer,
  ROLE,
  type Scene,
  SELECTED,
  TOP,
  WRONG,
} from "./map/scene";
import { pixels_per_unit } from "./map/view";
import type { Rgb } from "./palette";

const VERTEX = `#version 300 es
layout(location = 0) in vec2 a_from;
layout(location = 1) in vec2 a_to;
layout(location = 2) in uint a_ink;
layout(location = 3) in uint a_flags;
uniform vec4 u_view;
uniform float u_mix;
uniform float u_density;
uniform int u_level;
uniform vec2 u_radius;
uniform vec2 u_alpha;
uniform vec2 u_ring;
uniform vec3 u_context;
uniform sampler2D u_palette;
flat out vec4 v_colour;
flat out uint v_flags;
flat out float v_body;
flat out float v_half;

void main() {
  vec4 colour = texelFetch(u_palette, ivec2(a_ink, 0), 0);
  bool muted = colour.a < 0.5 || (a_flags & ${OUTSIDE}u) != 0u;
  bool selected = (a_flags & ${SELECTED}u) != 0u;
  bool wrong = (a_flags & ${WRONG}u) != 0u;
  bool drawn = u_level == ${TOP} ? selected || !muted : muted == (u_level == ${REST});
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = 1.0;
  if (!drawn) return;

  v_flags = muted ? a_flags & ${SELECTED}u : a_flags;
  bool large = u_level == ${TOP} && (v_flags & ${ROLE}u) != 0u;
  v_body = large ? u_radius.y : u_radius.x;
  v_half = v_body + 0.5 / u_density;
  if (u_level == ${GROUP} && wrong) v_half = v_body * 1.4 + 1.4;
  // As large as what is laid below, and no larger: a software rasteriser pays for every pixel.
  float halo = selected ? u_ring.x + u_ring.y + 0.7 : 1.1;
  if (u_level == ${TOP}) v_half = v_body + halo + 0.5 / u_density;
  float alpha = u_level == ${REST} ? u_alpha.x : u_level == ${GROUP} ? u_alpha.y : 1.0;
  v_colour = vec4(muted ? u_context : colour.rgb, alpha);
  vec2 place = mix(a_from, a_to, u_mix);
  gl_Position = vec4(place * u_view.xy + u_view.zw, 0.0, 1.0);
  gl_PointSize = 2.0 * v_half * u_density;
}`;

// The same shapes are drawn by map/glyph.ts for the plain canvas.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
uniform int u_level;
uniform float u_density;
uniform vec2 u_ring;
uniform vec3 u_back;
uniform vec3 u_fore;
flat in vec4 v_colour;
flat in uint v_flags;
flat in float v_body;
flat in float v_half;
out vec4 o_colour;

float cover(float outside) { return clamp(0.5 - outside * u_density, 0.0, 1.0); }

void lay(vec3 colour, float alpha) {
  o_colour = vec4(colour * alpha, alpha) + o_colour * (1.0 - alpha);
}

float cross_at(vec2 p, float arm, float thick) {
  vec2 q = abs(vec2(p.x + p.y, p.x - p.y)) * 0.70710678;
  return max(min(q.x, q.y) - thick, max(q.x, q.y) - arm);
}

void main() {
  vec2 p = (gl_PointCoord - 0.5) * 2.0 * v_half;
  float r = length(p);
  bool wrong = (v_flags & ${WRONG}u) != 0u;
  bool selected = (v_flags & ${SELECTED}u) != 0u;
  uint role = v_flags & ${ROLE}u;
  o_colour = vec4(0.0);
  if (u_level == ${REST}) { lay(v_colour.rgb, cover(r - v_body) * v_colour.a); return; }
  if (u_level == ${GROUP}) {
    float outside = wrong ? cross_at(p, v_body * 1.4 + 0.6, 0.5) : r - v_body;
    lay(v_colour.rgb, cover(outside) * (wrong ? min(1.0, v_colour.a * 1.5) : v_colour.a));
    return;
  }
  vec3 edge = mix(v_colour.rgb, u_fore, 0.22);
  if (selected) {
    lay(u_back, cover(r - v_body - u_ring.x - u_ring.y - 0.7) * 0.8);
    lay(u_fore, cover(r - v_body - u_ring.x - u_ring.y));
    lay(u_back, cover(r - v_body - u_ring.x));
  }
  if (role != 0u) lay(u_back, cover(r - v_body - 1.1));
  float crossed = cross_at(p, v_body + 0.9, 0.22 * v_body);
  if (role == ${OUTLIER}u) {
    lay(edge, cover(wrong ? crossed : abs(r - v_body + 0.8) - 0.85));
    return;
  }
  float filled = (role == ${ADDED}u ? max(abs(p.x), abs(p.y)) / ${SQUARE} : r) - v_body;
  lay(edge, cover(filled));
  lay(v_colour.rgb, cover(filled + 0.7));
  if (wrong) lay(u_back, cover(crossed) * 0.9);
}`;

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
