/** The shaders: where an item is drawn and how large, and what it looks like. */

import { SQUARE } from "./map/glyph";
import { ADDED, GROUP, OUTLIER, OUTSIDE, REST, ROLE, SELECTED, TOP, WRONG } from "./map/scene";

export const VERTEX = `#version 300 es
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
export const FRAGMENT = `#version 300 es
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
