// Points → pixels, and the pointer → the nearest point. Nothing here knows of passages.

const FEW = 5000; // points that are drawn larger
const LEVELS = 8; // how dark a pixel with several points gets

// What lies in each cell of a grid over all points, so that the nearest is found among few.
export class Grid {
  constructor(places) {
    this.places = places;
    this.side = Math.max(1, Math.ceil(Math.sqrt(places.length / 4)));
    const [xs, ys] = [places.map((p) => p[0]), places.map((p) => p[1])];
    this.low = [least(xs), least(ys)];
    this.size = [0, 1].map((axis) => {
      const most = (axis ? ys : xs).reduce((a, b) => Math.max(a, b), -Infinity);
      return Math.max((most - this.low[axis]) / this.side, 1e-9);
    });
    this.cells = new Map();
    places.forEach((place, number) => {
      const key = this.#key(this.#cell(place, 0), this.#cell(place, 1));
      if (!this.cells.has(key)) this.cells.set(key, []);
      this.cells.get(key).push(number);
    });
  }

  #cell(place, axis) {
    const cell = Math.floor((place[axis] - this.low[axis]) / this.size[axis]);
    return Math.min(this.side - 1, Math.max(0, cell));
  }

  #key(column, row) { return row * this.side + column; }

  // The number of the nearest point within a distance, or null.
  nearest(place, within) {
    const span = [0, 1].map((axis) => [-within, within].map(
      (by) => this.#cell([place[0] + by, place[1] + by], axis)));
    let found = null;
    let best = within * within;
    for (let row = span[1][0]; row <= span[1][1]; row += 1) {
      for (let column = span[0][0]; column <= span[0][1]; column += 1) {
        for (const number of this.cells.get(this.#key(column, row)) ?? []) {
          const [x, y] = this.places[number];
          const far = (x - place[0]) ** 2 + (y - place[1]) ** 2;
          if (far <= best) [found, best] = [number, far];
        }
      }
    }
    return found;
  }
}

const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

// Where the middle of the picture is, and how many pixels of the screen a unit has.
export class View {
  constructor() { this.reset(); }
  reset() { Object.assign(this, {x: 0, y: 0, zoom: 1}); }

  scale(width, height) { return 0.9 * Math.min(width, height) * this.zoom; }

  toPixel([x, y], width, height) {
    const scale = this.scale(width, height);
    return [width / 2 + (x - this.x) * scale, height / 2 - (y - this.y) * scale];
  }

  toPlace([px, py], width, height) {
    const scale = this.scale(width, height);
    return [this.x + (px - width / 2) / scale, this.y - (py - height / 2) / scale];
  }

  move(dx, dy, width, height) {
    const scale = this.scale(width, height);
    this.x -= dx / scale;
    this.y += dy / scale;
  }

  // Zoom so that the place under a pixel stays there.
  zoomAt(pixel, by, width, height) {
    const before = this.toPlace(pixel, width, height);
    this.zoom = Math.min(200, Math.max(0.5, this.zoom * by));
    const after = this.toPlace(pixel, width, height);
    this.x += before[0] - after[0];
    this.y += before[1] - after[1];
  }
}

// A picture of all points as squares, darker where several lie; pixels are written one by one, because 20,000
// shapes take a processor longer than a picture of all pixels.
export function pictureOf(context, places, view, ratio, colour) {
  const {width, height} = context.canvas;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const counts = new Uint8Array(width * height);
  const table = levels(colour);
  const side = Math.max(2, Math.round((view.zoom > 4 || places.length < FEW ? 3 : 2) * ratio));
  const scale = view.scale(width, height);
  const left = width / 2 - view.x * scale - side / 2;
  const top = height / 2 + view.y * scale - side / 2;
  for (const [px, py] of places) {
    const x = Math.round(left + px * scale);
    const y = Math.round(top - py * scale);
    if (x < 0 || y < 0 || x + side > width || y + side > height) continue;
    for (let row = y; row < y + side; row += 1) {
      const start = row * width + x;
      for (let at = start; at < start + side; at += 1) {
        const level = counts[at] < LEVELS ? (counts[at] += 1) : LEVELS;
        pixels[at] = table[level];
      }
    }
  }
  return image;
}

// Pixels as the processor stores them, least significant byte first: blue, green and red above.
function levels([red, green, blue]) {
  const found = new Uint32Array(LEVELS + 1);
  for (let level = 1; level <= LEVELS; level += 1) {
    const opacity = Math.round(255 * (0.45 + (0.55 * level) / LEVELS));
    found[level] = ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return found;
}

// "#rrggbb" or "#rgb" of the style sheet → three numbers.
export function rgb(colour) {
  const digits = colour.trim().slice(1);
  const each = digits.length === 3 ? [...digits].map((d) => d + d) : digits.match(/../g);
  return each.map((d) => Number.parseInt(d, 16));
}

export function circle(context, [x, y], radius, fill, edge) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  if (!edge) return;
  context.strokeStyle = edge;
  context.stroke();
}

export function diamond(context, [x, y], radius, fill, edge) {
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.closePath();
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = edge;
  context.stroke();
}
