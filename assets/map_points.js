// Draws the points of the map: by WebGL2 from one buffer that never changes while the camera moves, else pixel by pixel.

const VERTEX = `#version 300 es
in vec2 place; in float code; in float chosen;
uniform vec2 middle, scale; uniform float size, choosing; uniform vec4 palette[32];
out vec4 colour;
void main() {
  colour = palette[int(code + 0.5)];
  bool faint = choosing > 0.5 && chosen < 0.5;
  if (faint) colour.a *= 0.16;
  bool gone = place.x > 0.999995 || colour.a == 0.0;
  vec2 world = place * (65535.0 / 65534.0) * 2.0 - 1.0;
  gl_Position = gone ? vec4(2.0, 2.0, 2.0, 1.0) : vec4((world - middle) * scale, 0.0, 1.0);
  gl_PointSize = faint ? size * 0.8 : size;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour; uniform float disc; out vec4 seen;
void main() {
  float edge = length(gl_PointCoord - 0.5);
  if (disc > 0.5 && edge > 0.5) discard;
  seen = vec4(colour.rgb * colour.a, colour.a);
}`;
const ROUND_FROM = 4; // smaller points are squares: nobody sees the difference, and it costs half

/** What draws points into a canvas; `flat` asks for the one without WebGL. `look.every` 4 draws every fourth point: while a slow machine moves many. */
function pointsLayer(canvas, flat) {
  const gl = flat || !hasGraphicsCard() ? null : canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  return gl ? new WebGLPoints(gl) : new PlainPoints(canvas);
}

/** Whether WebGL is there, and not worked out by the processor: then it is slower than filling pixels ourselves. */
function hasGraphicsCard() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const known = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(known ? known.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

class WebGLPoints {
  constructor(gl) {
    this.gl = gl;
    this.kind = "webgl";
    const program = (this.program = gl.createProgram());
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "the map's shader");
    gl.useProgram(program);
    this.at = Object.fromEntries(
      ["middle", "scale", "size", "choosing", "palette", "disc"].map((name) => [name, gl.getUniformLocation(program, name)]),
    );
    this.places = gl.createBuffer();
    this.groups = gl.createBuffer();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  setPlaces(packed) {
    this.n = packed.length / 4;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.places);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, packed, this.gl.STATIC_DRAW);
  }

  /** (n, 4) bytes: group on each panel, whether it is chosen, nothing. */
  setGroups(groups) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.groups);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, groups, this.gl.DYNAMIC_DRAW);
  }

  begin(width, height, ratio) {
    const { canvas } = this.gl;
    if (canvas.width !== width * ratio || canvas.height !== height * ratio) [canvas.width, canvas.height] = [width * ratio, height * ratio];
    this.ratio = ratio;
    this.gl.viewport(0, 0, canvas.width, canvas.height);
    this.gl.clearColor(0, 0, 0, 0);
    this.gl.clear(this.gl.COLOR_BUFFER_BIT);
  }

  panel(panel, camera, look) {
    const { gl, at, ratio } = this;
    const box = [panel.x * ratio, gl.canvas.height - (panel.y + panel.height) * ratio, panel.width * ratio, panel.height * ratio];
    gl.viewport(...box);
    this._attribute("place", this.places, 2, gl.UNSIGNED_SHORT, true, 8 * look.every, panel.offset * 2);
    this._attribute("code", this.groups, 1, gl.UNSIGNED_BYTE, false, 4 * look.every, panel.offset / 2);
    this._attribute("chosen", this.groups, 1, gl.UNSIGNED_BYTE, false, 4 * look.every, 2);
    const scale = camera.scale(panel);
    gl.uniform2f(at.middle, camera.x, camera.y);
    gl.uniform2f(at.scale, (scale * 2) / panel.width, (scale * 2) / panel.height);
    gl.uniform1f(at.size, look.size * ratio);
    gl.uniform1f(at.disc, look.size * ratio >= ROUND_FROM ? 1 : 0);
    gl.uniform1f(at.choosing, look.choosing ? 1 : 0);
    gl.uniform4fv(at.palette, look.palette);
    gl.drawArrays(gl.POINTS, 0, Math.ceil(this.n / look.every));
  }

  end() {}

  _attribute(name, buffer, size, type, normalised, stride, offset) {
    const { gl } = this;
    const place = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, type, normalised, stride, offset);
  }
}

class PlainPoints {
  constructor(canvas) {
    this.kind = "plain";
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  setPlaces(packed) {
    this.packed = packed;
  }

  setGroups(groups) {
    this.groups = groups;
  }

  begin(width, height) {
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  panel(panel, camera, look) {
    const { packed, groups, pixels, canvas } = this;
    const colours = packedColours(look.palette, 1), faint = packedColours(look.palette, 0.16);
    const scale = camera.scale(panel), step = (scale * 2) / 65534, size = Math.max(1, Math.round(look.size * 0.85));
    const left = panel.x + panel.width / 2 - (camera.x + 1) * scale - size / 2;
    const top = panel.y + panel.height / 2 + (camera.y + 1) * scale - size / 2;
    const right = panel.x + panel.width - size, bottom = panel.y + panel.height - size;
    const inset = insets(size);
    for (const wantsChosen of look.choosing ? [0, 1] : [0]) { // what is chosen lies on top
      for (let row = 0; row * 4 < packed.length; row += look.every) {
        const place = row * 4 + panel.offset;
        if (packed[place] === NOWHERE) continue;
        const chosen = groups[row * 4 + 2];
        if (look.choosing && chosen !== wantsChosen) continue;
        const colour = (look.choosing && !chosen ? faint : colours)[groups[row * 4 + panel.offset / 2]];
        const x = (left + packed[place] * step) | 0, y = (top - packed[place + 1] * step) | 0;
        if (!colour || x < panel.x || y < panel.y || x > right || y > bottom) continue;
        for (let line = 0, first = y * canvas.width + x; line < size; line++, first += canvas.width) {
          for (let pixel = first + inset[line], end = first + size - inset[line]; pixel < end; pixel++) pixels[pixel] = colour;
        }
      }
    }
  }

  end() {
    this.context.putImageData(this.image, 0, 0);
  }
}

/** How many pixels of each line of a square lie outside of its disc; none where a disc would not be seen. */
function insets(size) {
  const radius = size / 2;
  return Array.from({ length: size }, (_, line) => (size < ROUND_FROM ? 0 : Math.round(radius - Math.sqrt(radius ** 2 - (line + 0.5 - radius) ** 2))));
}

/** Colours as the pixels of a canvas have them (red in the lowest byte), by group; 0 where a group is hidden. */
function packedColours(palette, opacity) {
  return Array.from({ length: palette.length / 4 }, (_, group) => {
    const [red, green, blue, alpha] = palette.slice(group * 4, group * 4 + 4);
    if (!alpha) return 0;
    return ((Math.round(255 * alpha * opacity) << 24) | (Math.round(255 * blue) << 16) | (Math.round(255 * green) << 8) | Math.round(255 * red)) >>> 0;
  });
}
