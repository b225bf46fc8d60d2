// The map: the same passages by the base and by the tuned model, moved and zoomed together.

import {get, post} from "./api.js";
import {byId, element, fill, ownText} from "./dom.js";
import {Grid, View, circle, diamond, pictureOf, rgb} from "./painting.js";
import {nameOf} from "./reading.js";
import {titles} from "./columns.js";

const NEAR = 12; // pixels from the pointer to a point
const STEP = 60; // pixels that an arrow key moves

export class PassageMap {
  constructor({open, failed}) {
    this.open = open;
    this.failed = failed;
    this.view = new View();
    this.panels = [];
    this.lit = {query: null, hits: []};
    this.pointed = null;
    this.looked = null;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.#colours());
    new ResizeObserver(() => this.draw()).observe(byId("panels"));
  }

  async load() {
    this.say("Computing the map…");
    const found = await get("/map");
    this.points = found.points;
    this.total = found.passages;
    this.drawn = found.drawn;
    const modes = ["base", "dense"].filter((mode) => found.points[mode]);
    this.panels = modes.map((mode) => new Panel(this, mode, titles(modes)[mode], found.points[mode]));
    fill(byId("panels"), ...this.panels.map((each) => each.made));
    this.view.reset();
    this.#colours();
    this.say(this.#usual());
  }

  say(...told) { fill(byId("map-status"), ...told); }

  #usual() {
    if (!this.drawn) return "There is no passage to draw.";
    const of = this.drawn < this.total ? ` of ${this.total.toLocaleString("en")}` : "";
    return `${this.drawn.toLocaleString("en")}${of} passages. Point at one to read its beginning.`;
  }

  #colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colour = Object.fromEntries(
      ["point", "query", "paper", "ink", "base", "dense"].map((name) => [name, colour(name)]));
    this.draw();
  }

  // Show where a question and its hits lie.
  async light(query, found) {
    const hits = new Map();
    for (const mode of found.modes) {
      for (const hit of found.results[mode]) if (!hits.has(nameOf(hit))) hits.set(nameOf(hit), hit);
    }
    const listed = [...hits.values()].slice(0, 1000);
    const passages = listed.map(({source, id}) => ({source, id}));
    const placed = await post("/map", {query, passages});
    this.lit = {
      query: placed.query,
      hits: listed.map((hit, number) => ({hit, places: placed.passages[number]})),
    };
    this.draw();
  }

  dim() {
    this.lit = {query: null, hits: []};
    this.draw();
  }

  // A hit is looked at elsewhere on the page, or none.
  look(hit) {
    this.looked = hit && nameOf(hit);
    this.draw();
  }

  point(number) {
    if (number === this.pointed) return;
    this.pointed = number;
    if (number === null) {
      this.say(this.#usual());
    } else {
      this.say(element("strong", {}, ownText("own-text", this.points.id[number])), " ",
        ownText("own-text", this.points.text[number]));
    }
    this.draw();
  }

  async choose(number) {
    const [source, id] = [this.points.source[number], this.points.id[number]];
    const lit = this.lit.hits.find(({hit}) => hit.source === source && hit.id === id);
    try {
      this.open(lit?.hit ?? {...(await post("/passage", {source, id})), pieces: 1});
    } catch (error) {
      this.failed(error);
    }
  }

  draw() {
    if (this.asked || !this.panels.length) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      for (const each of this.panels) each.draw();
    });
  }
}

class Panel {
  constructor(map, mode, title, places) {
    Object.assign(this, {map, mode, title, places, grid: new Grid(places)});
    const told = `Map of ${places.length.toLocaleString("en")} passages by the ${title.toLowerCase()}`;
    this.canvas = element("canvas", {tabindex: "0", role: "img", "aria-label": told});
    this.context = this.canvas.getContext("2d");
    this.made = element("div", {class: `panel ${mode}`}, element("h3", {}, title), this.canvas);
    this.#listen();
  }

  #listen() {
    const on = (kind, act, options) => this.canvas.addEventListener(kind, act, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", () => { this.from = null; });
    on("pointerleave", () => this.map.point(null));
    on("wheel", (event) => this.#wheel(event), {passive: false});
    on("keydown", (event) => this.#key(event));
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - this.canvas.clientLeft, event.clientY - box.top - this.canvas.clientTop];
  }

  get #size() { return [this.canvas.clientWidth, this.canvas.clientHeight]; }

  #nearest(pixel) {
    const within = NEAR / this.map.view.scale(...this.#size);
    return this.grid.nearest(this.map.view.toPlace(pixel, ...this.#size), within);
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.from = this.#at(event);
    this.dragged = false;
  }

  #move(event) {
    const at = this.#at(event);
    if (!this.from) return this.map.point(this.#nearest(at));
    const [dx, dy] = [at[0] - this.from[0], at[1] - this.from[1]];
    if (!this.dragged && Math.hypot(dx, dy) < 4) return undefined;
    this.dragged = true;
    this.from = at;
    this.map.view.move(dx, dy, ...this.#size);
    return this.map.draw();
  }

  #up(event) {
    const found = this.from && !this.dragged ? this.#nearest(this.#at(event)) : null;
    this.from = null;
    if (found !== null) this.map.choose(found);
  }

  #wheel(event) {
    event.preventDefault();
    this.map.view.zoomAt(this.#at(event), Math.exp(-event.deltaY / 400), ...this.#size);
    this.map.draw();
  }

  #key(event) {
    const {view} = this.map;
    const [width, height] = this.#size;
    const zoom = (by) => view.zoomAt([width / 2, height / 2], by, width, height);
    const act = {
      ArrowLeft: () => view.move(STEP, 0, width, height),
      ArrowRight: () => view.move(-STEP, 0, width, height),
      ArrowUp: () => view.move(0, STEP, width, height),
      ArrowDown: () => view.move(0, -STEP, width, height),
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => view.reset(),
    }[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
    this.map.draw();
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = this.#size.map((each) => Math.round(each * ratio));
    if (!width || !height) return;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const {view, colour} = this.map;
    // Kept while the pointer moves: only what lights up is drawn anew.
    const drawn = [width, height, view.x, view.y, view.zoom, colour.point].join();
    if (drawn !== this.drawn) {
      this.picture = pictureOf(this.context, this.places, view, ratio, rgb(colour.point));
      this.drawn = drawn;
    }
    this.context.putImageData(this.picture, 0, 0);
    this.#light((place) => view.toPixel(place, width, height), ratio);
  }

  // At the edge for what lies beyond it: there the question is to be looked for.
  #within([x, y], margin) {
    const {width, height} = this.canvas;
    const clamp = (value, most) => Math.min(most - margin, Math.max(margin, value));
    return [clamp(x, width), clamp(y, height)];
  }

  #light(pixel, ratio) {
    const {colour, lit, looked, pointed} = this.map;
    const own = colour[this.mode];
    this.context.lineWidth = 1.5 * ratio;
    for (const {hit, places} of lit.hits) {
      const at = places[this.mode];
      const is = looked === nameOf(hit);
      if (at) circle(this.context, pixel(at), (is ? 8 : 5) * ratio, own, is ? colour.ink : colour.paper);
    }
    const asked = lit.query?.[this.mode];
    if (asked) {
      const at = this.#within(pixel(asked), 11 * ratio);
      diamond(this.context, at, 9 * ratio, colour.query, colour.paper);
    }
    if (pointed !== null) {
      circle(this.context, pixel(this.places[pointed]), 6 * ratio, "transparent", colour.ink);
    }
  }
}
