// A timeline that moves: a slider through time, playback, zoom, and for each instant what every worker holds, what is in the queue, where the
// pills are, who has the lock. `figures/src/timeline/moving.rs` has the states.

import { button, choice, drawn, element, onKeys, reducedMotion, slider, Status, write } from "./parts.js";

/**
 * What is known of a worker from a time on. Places in the lists of words, and the task in its hand: number + 1 if it is done later, the negative of
 * that if it never is, 0 for an empty hand.
 * @typedef {object} State
 * @property {number} at
 * @property {number} presence
 * @property {number} task
 * @property {number} lock
 * @property {number} last
 */

/**
 * @typedef {object} Lane
 * @property {string} name
 * @property {State[]} states The first is the state at the beginning.
 * @property {[number, number][]} marks When, and the number of a sign.
 * @property {[number, number] | null} shade
 */

/**
 * A message and its way, as `Sent` in figures/src/trace/queue.rs has it. What never happens is Infinity.
 * @typedef {object} Message
 * @property {number} task -1 for a pill.
 * @property {number} put
 * @property {number} doubt
 * @property {number} out
 * @property {number} noted
 */

/**
 * One recording.
 * @typedef {object} Run
 * @property {string} name
 * @property {Lane[]} lanes
 * @property {Message[] | "unknown" | null} queue
 * @property {number[] | null} flag When it was set; nothing if nobody ever sets it.
 * @property {boolean} whole Whether no note was overwritten.
 * @property {boolean} lock Whether there is a lock.
 * @property {[number, string][]} lines
 */

/**
 * @typedef {object} Data
 * @property {string} title
 * @property {[number, number]} range All that there is, in nanoseconds.
 * @property {[number, number]} view What is shown at first.
 * @property {number} zero Where the clock says zero.
 * @property {string} clock What the clock counts from.
 * @property {string} caption
 * @property {number} gutter The room for the names of lanes.
 * @property {string[]} presences
 * @property {string[]} locks
 * @property {string[]} lasts
 * @property {[string, string][]} signs The signs of the legend and their names.
 * @property {string[]} kinds The signs by their number.
 * @property {Run[]} runs
 */

/** Places in `presences` and `locks`; figures/src/trace/state.rs has the same order. */
const HERE = 0, HOME = 2, PANICKED = 3, ENDED = 4, SILENT = 5;
const WAITS = 1, HOLDS = 2, LOCK_UNKNOWN = 4;

/** The data as a page has them: times come as differences, and zeros at the end of a row are left out. @param {any} data @returns {Data} */
export function read(data) {
  /** @param {number | null} time */
  const never = (time) => time ?? Infinity;
  for (const run of data.runs) {
    for (const lane of run.lanes) {
      let at = 0;
      lane.states = lane.states.map((/** @type {number[]} */ [passed, presence = 0, task = 0, lock = 0, last = 0]) => {
        at += passed;
        return { at, presence, task, lock, last };
      });
      at = 0;
      lane.marks = lane.marks.map((/** @type {[number, number]} */ [passed, sign]) => [at += passed, sign]);
    }
    if (Array.isArray(run.queue)) {
      run.queue = run.queue.map((/** @type {(number | null)[]} */ [task, put, doubt, out, noted]) =>
        ({ task, put, doubt: never(doubt), out: never(out), noted: never(noted) }));
    }
  }
  return data;
}

/** The state of a lane at `time`. @param {Lane} lane @param {number} time */
export function stateAt(lane, time) {
  let [low, high] = [0, lane.states.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (lane.states[middle].at <= time) { low = middle; } else { high = middle; }
  }
  return lane.states[low];
}

/** What a lane does at `time`, in the words of `WorkerState` in figures/src/trace/moment.rs. @param {Data} data @param {Lane} lane @param {number} time */
export function laneWords(data, lane, time) {
  const { presence, task, lock, last } = stateAt(lane, time);
  const hand = task !== 0 ? `task ${Math.abs(task) - 1} in its hand` : presence === HERE ? "no task in its hand" : "";
  return [data.presences[presence], hand, data.locks[lock], data.lasts[last]].filter((words) => words !== "").join(", ");
}

/** The same in so few words that they have room beside the line. @param {Lane} lane @param {number} time */
export function laneInShort(lane, time) {
  const { presence, task, lock } = stateAt(lane, time);
  const hand = task !== 0 ? `task ${Math.abs(task) - 1}` : presence === HERE ? "no task" : "";
  const there = ["", "not there yet", "home", "panicked", "ended", "unknown", "unknown"][presence];
  const key = lock === WAITS ? "waits for the lock" : lock === HOLDS ? "lock" : "";
  return [there, hand, key].filter((words) => words !== "").join(", ");
}

/**
 * Where a message is.
 * @param {Message} message
 * @param {number} time
 * @returns {"taken" | "on its way" | "not put" | "in doubt" | "waits"}
 */
export function placeAt(message, time) {
  if (message.noted <= time) { return "taken"; }
  if (message.out <= time) { return "on its way"; }
  if (message.put > time) { return "not put"; }
  return message.doubt <= time ? "in doubt" : "waits";
}

/** @param {number} count @param {string} what */
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** What is in the queue at `time`; nothing where nobody noted what was put there. @param {Run} run @param {number} time */
export function queueWords(run, time) {
  if (run.queue === null) { return ""; }
  if (run.queue === "unknown") { return "unknown: notes are missing"; }
  const there = { taken: 0, "on its way": 0, "not put": 0, "in doubt": 0, waits: 0 };
  let pills = 0;
  for (const message of run.queue) {
    const place = placeAt(message, time);
    there[place] += 1;
    if (place === "waits" && message.task < 0) { pills += 1; }
  }
  const tasks = there.waits - pills;
  const parts = [...(tasks > 0 ? [counted(tasks, "task")] : []), ...(pills > 0 ? [counted(pills, "pill")] : [])];
  let words = parts.join(" and ") || (there["in doubt"] > 0 ? "nothing certain" : "empty");
  if (there["on its way"] > 0) { words += `; ${there["on its way"]} taken and not noted`; }
  if (there["in doubt"] > 0) { words += `; ${there["in doubt"]} here or taken by a worker that was ended: unknown`; }
  return words;
}

/** Who has the lock; nothing where there is none. @param {Run} run @param {number} time */
export function lockWords(run, time) {
  if (!run.lock) { return ""; }
  const holder = run.lanes.find((lane) => stateAt(lane, time).lock === HOLDS);
  if (holder) { return `${holder.name} has it`; }
  return run.lanes.some((lane) => stateAt(lane, time).lock === LOCK_UNKNOWN) ? "unknown" : "free, as far as noted";
}

/** A time span in nanoseconds, with three digits, as `human` in labsupport writes it. @param {number} span */
export function human(span) {
  const size = Math.abs(span);
  if (size === 0) { return "0 s"; }
  const [scale, unit] = unitOf(size);
  return `${Number((span / scale).toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 15 })} ${unit}`;
}

/** @param {number} size @returns {[number, string]} */
function unitOf(size) {
  return size < 999.5 ? [1, "ns"] : size < 999_500 ? [1e3, "µs"] : size < 999_500_000 ? [1e6, "ms"] : [1e9, "s"];
}

/** A moment on the clock, with as many digits as the part of `span` nanoseconds that is shown needs. @param {number} time @param {number} span */
export function clock(time, span) {
  const [scale, unit] = unitOf(Math.max(Math.abs(time), span));
  const digits = Math.min(9, Math.max(0, Math.ceil(Math.log10((1000 * scale) / span))));
  const number = (Math.abs(time) / scale).toFixed(digits);
  return `${time < 0 && Number(number) !== 0 ? "−" : ""}${number} ${unit}`;
}

/** Round times between `from` and `to`, at most about six. @param {number} from @param {number} to */
export function ticks(from, to) {
  const rough = (to - from) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10));
  const found = [];
  for (let tick = Math.ceil(from / step - 1e-9); tick * step <= to + step * 1e-9; tick += 1) { found.push(tick * step + 0); } // no -0
  return found;
}

/** Speeds, as what a second of the clock on the wall is divided by. */
const SPEEDS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/**
 * The speed at which `span` nanoseconds can be followed: 1/100 where that takes between 5 and 60 seconds, otherwise the power of ten that does.
 * @param {number} span
 */
export function speedFor(span) {
  const seconds = (/** @type {number} */ speed) => (span * speed) / 1e9;
  const fits = (/** @type {number} */ speed) => seconds(speed) >= 5 && seconds(speed) <= 60;
  if (fits(100)) { return 100; }
  return SPEEDS.find(fits) ?? (seconds(1) > 60 ? 1 : SPEEDS[SPEEDS.length - 1]);
}

/** Every instant at which anything changes, in order. @param {Data} data */
export function instants(data) {
  const found = new Set(data.range);
  for (const run of data.runs) {
    for (const lane of run.lanes) {
      lane.states.forEach(({ at }) => found.add(at));
      lane.marks.forEach(([at]) => found.add(at));
    }
    run.lines.forEach(([at]) => found.add(at));
    if (Array.isArray(run.queue)) {
      run.queue.forEach(({ put, doubt, out, noted }) => [put, doubt, out, noted].forEach((at) => found.add(at)));
    }
  }
  const [from, to] = data.range;
  return [...found].filter((at) => at >= from && at <= to).sort((a, b) => a - b);
}

// ---- The picture, in units of the still one: 720 across.

const WIDTH = 720, RIGHT = WIDTH - 16, LINE = 18;
/** @param {number} x @param {number} y @param {number} width @param {number} height */
const box = (x, y, width, height) => `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`;

/** The path of a mark whose middle is at (x, y). @type {Record<string, (x: number, y: number) => string>} */
const MARKS = {
  check: (x, y) => `M${x - 0.5} ${y - 2}h1v6h-1z`,
  seen: (x, y) => `M${x - 5} ${y - 3}h10l-5 8z`,
  pill: (x, y) => `M${x - 4} ${y + 1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`,
  note: (x, y) => `M${x} ${y - 3}l4 4l-4 4l-4 -4z`,
  exit: (x, y) => `M${x - 1.5} ${y - 7}h3v14h-3z`,
  killed: (x, y) => `M${x - 6} ${y - 4}l2 -2l4 4l4 -4l2 2l-4 4l4 4l-2 2l-4 -4l-4 4l-2 -2l4 -4z`,
};

/** A sign before its name in the legend. @param {string} kind @param {string} stripes */
function sign(kind, stripes) {
  const mark = MARKS[kind];
  const path = mark ? mark(14, 8) : kind === "wait" || kind === "hold" ? box(0, 5, 28, 7) : box(0.5, 0.5, 27, 15);
  return drawn("svg", { class: "labs-trace-sign", viewBox: "0 0 28 16", "aria-hidden": "true" }, drawn("path", { d: path, class: `labs-trace-${kind}`, ...(kind === "lost" ? { fill: `url(#${stripes})` } : {}) }));
}

/** Where everything is drawn, and how much of the time is shown. */
class Picture {
  /** @param {Data} data */
  constructor(data) {
    this.data = data;
    this.from = data.view[0];
    this.to = data.view[1];
    // Every output of the page has a script of its own, so a counter would give all of them the same name.
    this.stripes = `labs-trace-stripes-${Math.random().toString(36).slice(2)}`;
    const lanes = data.runs.reduce((sum, run) => sum + run.lanes.length, 0);
    this.height = data.runs.length > 1 ? (data.runs.some((run) => run.lock) ? 32 : 24) : lanes <= 8 ? 40 : 26;
    this.left = Math.max(data.gutter, 92); // and "queue (100)" has room there
    this.static = drawn("g", {});
    /** @type {Label[]} */
    this.labels = [];
    this.chosen = drawn("rect", { class: "labs-trace-chosen", y: 0, height: 0, width: 0, x: 0 });
    this.line = drawn("g", { class: "labs-trace-cursor" });
    this.svg = drawn("svg", { class: "labs-trace-picture", role: "img", "aria-label": `${data.title}: what each worker did, and when` },
      drawn("defs", {}, drawn("pattern", { id: this.stripes, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        drawn("path", { d: "M0 0h6v6h-6z", class: "labs-trace-paper" }), drawn("path", { d: "M0 0h1.5v6h-1.5z", class: "labs-trace-stripe" }))),
      this.static, this.chosen, this.line);
  }

  /** @param {number} time */
  x(time) {
    return this.left + ((time - this.from) / (this.to - this.from)) * (RIGHT - this.left);
  }

  /** The time at a place of the page. @param {number} clientX */
  timeAt(clientX) {
    const { left, width } = this.svg.getBoundingClientRect();
    const share = (((clientX - left) / width) * WIDTH - this.left) / (RIGHT - this.left);
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  /** @param {number} y @param {string} text @param {Record<string, string | number>} attributes */
  text(y, text, attributes) {
    return drawn("text", { y, class: "labs-trace-text", ...attributes }, text);
  }

  draw() {
    const { data } = this;
    /** @type {Node[]} */
    const parts = [];
    const several = data.runs.length > 1;
    const top = 4 + LINE * Math.max(1, ...data.runs.map((run) => (several ? 1 : run.lines.length)));
    let y = top;
    const rows = data.runs.map((run) => {
      const heading = y;
      y += several ? LINE + 4 : 0;
      const lanes = y;
      y += this.height * run.lanes.length;
      const queue = y;
      y += Array.isArray(run.queue) ? 34 : 0;
      return { run, heading, lanes, queue, bottom: y };
    });
    const bottom = y;
    for (const tick of ticks(this.from - data.zero, this.to - data.zero)) {
      const x = this.x(tick + data.zero);
      parts.push(drawn("path", { d: `M${x} ${top}V${bottom}`, class: "labs-trace-grid" }));
      parts.push(this.text(bottom + 16, human(tick), { x: Math.min(x, WIDTH - 24), "text-anchor": "middle" }));
    }
    parts.push(this.text(bottom + 34, data.clock, { x: (this.left + RIGHT) / 2, "text-anchor": "middle" }));
    for (const { run, heading, lanes, queue, bottom: end } of rows) {
      if (several) { parts.push(this.text(heading + 15, run.name, { x: 8, class: "labs-trace-text labs-trace-heading" })); }
      run.lanes.forEach((lane, index) => parts.push(...this.lane(run, lane, lanes + index * this.height)));
      if (Array.isArray(run.queue)) { parts.push(...this.queue(run.queue, queue)); }
      parts.push(drawn("path", { d: `M${this.left} ${end}H${RIGHT}`, class: "labs-trace-grid" }));
      run.lines.forEach(([when, name], line) => {
        if (when < this.from || when > this.to) { return; }
        const x = this.x(when);
        parts.push(drawn("path", { d: `M${x} ${several ? lanes : top - 2}V${end}`, class: "labs-trace-line" }));
        if (!several) {
          const half = name.length * 3.5;
          const middle = Math.min(WIDTH - half - 4, Math.max(half + 4, x));
          parts.push(this.text(top - 6 - LINE * line, name, { x: middle, "text-anchor": "middle" }));
        }
      });
    }
    if (several && data.zero >= this.from && data.zero <= this.to) {
      parts.push(this.text(top - 6, "signal", { x: this.x(data.zero), "text-anchor": "middle" }));
    }
    this.static.replaceChildren(...parts);
    this.labels = rows.flatMap(({ run, lanes, queue }) => [
      ...run.lanes.map((lane, index) => new Label(lanes + (index + 0.5) * this.height, (time) => laneInShort(lane, time))),
      ...(Array.isArray(run.queue) ? [new Label(queue + 17, (time) => queueWords(run, time).split(";")[0])] : []),
    ]);
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${bottom + 40}`);
    this.chosen.setAttribute("height", String(bottom));
    this.line.replaceChildren(drawn("path", { d: `M0 6V${bottom}` }), drawn("path", { d: "M-5 0h10l-5 8z" }), ...this.labels.map(({ place }) => place));
  }

  /** @param {Run} run @param {Lane} lane @param {number} top */
  lane(run, lane, top) {
    const middle = top + this.height / 2;
    const strip = run.lock ? 13 : 6;
    const name = lane.name.length * 7 > this.left ? `${lane.name.slice(0, Math.floor(this.left / 7) - 1)}…` : lane.name;
    /** @type {Node[]} */
    const parts = [
      this.text(middle + 4, name, { x: this.left - 8, "text-anchor": "end" }),
      drawn("path", { d: `M${this.left} ${top}H${RIGHT}`, class: "labs-trace-grid" }),
    ];
    if (lane.shade) {
      const [from, to] = lane.shade.map((time) => this.x(Math.min(this.to, Math.max(this.from, time))));
      if (to > from) { parts.unshift(drawn("path", { d: box(from, top + 1, to - from, this.height - 2), class: "labs-trace-wasted" })); }
    }
    const paths = new Paths(this);
    const ends = { exit: "", killed: "" };
    let done = 0;
    lane.states.forEach((state, index) => {
      const until = lane.states[index + 1]?.at ?? this.data.range[1];
      if (state.presence === HERE) { paths.add("life", state.at, until, middle - 0.5, 1, false); }
      const begins = state.task !== 0 && lane.states[index - 1]?.task !== state.task;
      if (begins) {
        // As long as it is known to be there.
        let end = index;
        while (lane.states[end]?.task === state.task && lane.states[end].presence === HERE) { end += 1; }
        const to = lane.states[end]?.at ?? this.data.range[1];
        const kind = state.task < 0 ? "lost" : `task-${done % 2}`;
        done += state.task > 0 ? 1 : 0;
        paths.add(kind, state.at, to, top + 8, this.height - 8 - strip, true, String(Math.abs(state.task) - 1));
      }
      if (state.presence === HERE && (state.lock === WAITS || state.lock === HOLDS)) {
        paths.add(state.lock === WAITS ? "wait" : "hold", state.at, until, top + this.height - 11, 7, true);
      }
      const before = lane.states[index - 1]?.presence ?? state.presence;
      const ended = state.presence === HOME ? "exit" : [PANICKED, ENDED, SILENT].includes(state.presence) ? "killed" : "";
      if (ended !== "" && before !== state.presence && state.at >= this.from && state.at <= this.to) {
        ends[/** @type {"exit" | "killed"} */ (ended)] += MARKS[ended](this.x(state.at), middle);
      }
    });
    parts.push(...paths.drawn(this.stripes));
    for (const [kind, path] of [...this.marks(lane, top + 4), ...Object.entries(ends)]) {
      if (path !== "") { parts.push(drawn("path", { d: path, class: `labs-trace-${kind}` })); }
    }
    return parts;
  }

  /** The marks of a lane by kind; what would lie on the one before is drawn once. @param {Lane} lane @param {number} y @returns {[string, string][]} */
  marks(lane, y) {
    /** @type {Map<string, string>} */
    const paths = new Map();
    /** @type {Map<string, number>} */
    const last = new Map();
    for (const [when, number] of lane.marks) {
      const [kind, x] = [this.data.kinds[number], this.x(when)];
      if (when < this.from || when > this.to || x - (last.get(kind) ?? -WIDTH) < (kind === "check" ? 2 : 5)) { continue; }
      last.set(kind, x);
      paths.set(kind, (paths.get(kind) ?? "") + MARKS[kind](x, y));
    }
    return [...paths];
  }

  /** How many messages wait, pills above tasks. @param {Message[]} messages @param {number} top */
  queue(messages, top) {
    /** @type {[number, number, number][]} */
    const changes = messages.flatMap(({ task, put, doubt, out }) => {
      const pills = task < 0 ? 1 : 0;
      return [[put, 1 - pills, pills], [Math.min(doubt, out), pills - 1, -pills]];
    });
    changes.sort((a, b) => a[0] - b[0]);
    let [most, sum] = [1, 0];
    for (const [, tasks, pills] of changes) { most = Math.max(most, sum += tasks + pills); }
    const [bottom, unit] = [top + 32, 26 / most];
    // One step for each pixel column is as much as can be seen.
    let [tasks, pills, at] = [0, 0, this.left];
    const paths = { queued: "", pills: "" };
    const column = (/** @type {number} */ to) => {
      if (to > at) {
        if (tasks > 0) { paths.queued += box(at, bottom - tasks * unit, to - at, tasks * unit); }
        if (pills > 0) { paths.pills += box(at, bottom - (tasks + pills) * unit, to - at, pills * unit); }
        at = to;
      }
    };
    for (const [when, moreTasks, morePills] of changes) {
      const x = Math.min(RIGHT, Math.max(this.left, this.x(when)));
      if (x - at >= 0.5) { column(x); }
      [tasks, pills] = [tasks + moreTasks, pills + morePills];
    }
    column(RIGHT);
    return [
      this.text(top + 22, `queue (${most})`, { x: this.left - 8, "text-anchor": "end" }),
      drawn("path", { d: `M${this.left} ${top}H${RIGHT}`, class: "labs-trace-grid" }),
      ...Object.entries(paths).map(([kind, d]) => drawn("path", { d, class: `labs-trace-${kind}` })),
    ];
  }

  /** Moves the line to `time`, with what everybody is at beside it. @param {number} time */
  point(time) {
    const x = this.x(time);
    this.line.setAttribute("transform", `translate(${x.toFixed(2)} 0)`);
    this.labels.forEach((label) => label.show(time, x > (this.left + RIGHT) / 2));
  }
}

/** A few words beside the line, at the height of a lane. */
class Label {
  /** @param {number} y @param {(time: number) => string} words */
  constructor(y, words) {
    this.words = words;
    this.ground = drawn("rect", { y: y - 8, height: 16, rx: 3, class: "labs-trace-label" });
    this.text = drawn("text", { y: y + 4, class: "labs-trace-text" });
    this.place = drawn("g", {}, this.ground, this.text);
  }

  /** @param {number} time @param {boolean} isLeft */
  show(time, isLeft) {
    const words = this.words(time);
    write(this.text, words);
    const width = words.length * 6.4 + 8;
    this.ground.setAttribute("width", String(width));
    this.ground.setAttribute("x", String(isLeft ? -width - 4 : 4));
    this.text.setAttribute("x", String(isLeft ? -8 : 8));
    this.text.setAttribute("text-anchor", isLeft ? "end" : "start");
  }
}

/** The boxes of a lane, one path for each kind. Boxes narrower than three pixels become the share of each pixel column that they fill. */
class Paths {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    /** @type {Map<string, { path: string, y: number, height: number, shares: Float64Array | null }>} */
    this.kinds = new Map();
    /** @type {Node[]} */
    this.numbers = [];
  }

  /**
   * @param {string} kind
   * @param {number} from
   * @param {number} to
   * @param {number} y
   * @param {number} height
   * @param {boolean} shared Whether narrow boxes become shares.
   * @param {string} [number]
   */
  add(kind, from, to, y, height, shared, number) {
    const { picture } = this;
    if (to < picture.from || from > picture.to) { return; }
    const [x0, x1] = [Math.max(from, picture.from), Math.min(to, picture.to)].map((time) => picture.x(time));
    const narrow = shared && x1 - x0 < 3 && kind !== "lost";
    const of = narrow && kind.startsWith("task") ? "task-0" : kind;
    const found = this.kinds.get(of) ?? { path: "", y, height, shares: null };
    this.kinds.set(of, found);
    if (narrow) {
      found.shares ??= new Float64Array(WIDTH);
      for (let at = x0; at < x1;) {
        const next = Math.min(Math.floor(at) + 1, x1);
        found.shares[Math.floor(at)] += next - at;
        at = next;
      }
      return;
    }
    const width = kind === "lost" ? Math.max(4, x1 - x0) : x1 - x0;
    found.path += box(x0, y, kind.startsWith("task") ? Math.max(1, width - 1) : width, height);
    if (number !== undefined && kind !== "lost" && number.length * 7 + 4 <= x1 - x0 && height >= 10) {
      this.numbers.push(picture.text(y + height / 2 + 4, number, { x: (x0 + x1) / 2, "text-anchor": "middle", class: "labs-trace-text labs-trace-number" }));
    }
  }

  /** @param {string} stripes */
  drawn(stripes) {
    const parts = [...this.kinds].map(([kind, { path, y, height, shares }]) => {
      let all = path;
      shares?.forEach((share, x) => {
        const high = share > 0 ? Math.max(2, Math.round(Math.min(1, share) * height)) : 0;
        if (high > 0) { all += box(x, y + height - high, 1, high); }
      });
      return drawn("path", { d: all, class: `labs-trace-${kind}`, ...(kind === "lost" ? { fill: `url(#${stripes})` } : {}) });
    });
    return [...parts, ...this.numbers];
  }
}

// ---- The board around the picture.

/** The steps of the slider, over the part of the time that is shown. */
const STEPS = 1000;
/** The messages of a queue that are drawn one by one. */
const CHIPS = 80;
/** How long one event is shown where nothing may move, in milliseconds. */
const STEP_PAUSE = 1000;

/** What one recording looks like at an instant, in words and chips. */
class Now {
  /** @param {Data} data @param {Run} run */
  constructor(data, run) {
    this.data = data;
    this.run = run;
    const cells = () => element("td", "labs-trace-words");
    this.lanes = run.lanes.map((lane) => ({ lane, words: cells(), chip: element("span", "labs-trace-chip") }));
    this.queue = cells();
    this.lock = cells();
    this.flag = cells();
    this.chips = Array.isArray(run.queue) ? Array.from({ length: Math.min(CHIPS, mostIn(run.queue)) }, () => element("span", "labs-trace-chip")) : [];
    this.more = element("span", "labs-trace-more");
    const row = (/** @type {string} */ name, /** @type {Node[]} */ ...parts) => {
      const head = element("th", "labs-trace-name", name);
      head.scope = "row";
      return element("tr", "", head, ...parts);
    };
    const hand = (/** @type {HTMLElement} */ chip) => {
      const cell = element("td", "labs-trace-hand", chip);
      cell.setAttribute("aria-hidden", "true");
      return cell;
    };
    const wide = (/** @type {HTMLTableCellElement} */ cell) => { cell.colSpan = 2; return cell; };
    const body = element("tbody", "", ...this.lanes.map(({ lane, words, chip }) => row(lane.name, hand(chip), words)));
    if (run.queue !== null) { body.append(row("queue", wide(this.queue))); }
    if (run.lock) { body.append(row("lock", wide(this.lock))); }
    if (run.flag !== null) { body.append(row("flag", wide(this.flag))); }
    const table = element("table", "labs-trace-now", body);
    const line = element("p", "labs-trace-line-up", ...this.chips, this.more);
    line.setAttribute("aria-hidden", "true"); // the words have it
    this.place = element("div", "labs-trace-run", ...(data.runs.length > 1 ? [element("p", "labs-trace-run-name", run.name)] : []), table, ...(this.chips.length > 0 ? [line] : []));
    table.setAttribute("aria-label", data.runs.length > 1 ? run.name : data.title);
  }

  /** @param {number} time @param {(time: number) => string} clockWords */
  show(time, clockWords) {
    const { data, run } = this;
    for (const { lane, words, chip } of this.lanes) {
      write(words, laneWords(data, lane, time));
      const { task, presence } = stateAt(lane, time);
      write(chip, task === 0 ? "" : String(Math.abs(task) - 1));
      chip.dataset.kind = task === 0 ? "none" : presence === HERE ? "task" : "lost";
    }
    write(this.queue, queueWords(run, time));
    write(this.lock, lockWords(run, time));
    write(this.flag, this.flagWords(time, clockWords));
    if (Array.isArray(run.queue)) { this.showChips(run.queue, time); }
  }

  /** @param {number} time @param {(time: number) => string} clockWords */
  flagWords(time, clockWords) {
    const set = this.run.flag?.findLast((when) => when <= time);
    if (set !== undefined) { return `set at ${clockWords(set)}`; }
    return this.run.whole ? "not set" : "unknown";
  }

  /** @param {Message[]} messages @param {number} time */
  showChips(messages, time) {
    const there = messages.map((message) => ({ message, place: placeAt(message, time) })).filter(({ place }) => place === "waits" || place === "in doubt");
    this.chips.forEach((chip, index) => {
      const found = there[index];
      write(chip, found === undefined ? "" : found.message.task < 0 ? "●" : String(found.message.task));
      chip.dataset.kind = found === undefined ? "none" : found.place === "in doubt" ? "doubt" : found.message.task < 0 ? "pill" : "queued";
    });
    write(this.more, there.length > this.chips.length ? `and ${there.length - this.chips.length} more` : "");
  }
}

/** The most messages that are in the queue at one time. @param {Message[]} messages */
function mostIn(messages) {
  const changes = messages.flatMap(({ put, out }) => [[put, 1], [out, -1]]).sort((a, b) => a[0] - b[0]);
  let [most, sum] = [0, 0];
  for (const [, change] of changes) { most = Math.max(most, sum += change); }
  return most;
}

/** The page's side of one timeline. */
export class TraceBoard {
  /** @param {HTMLElement} place @param {any} written */
  constructor(place, written) {
    const data = read(written);
    this.place = place;
    this.data = data;
    this.picture = new Picture(data);
    this.instants = instants(data);
    this.runs = data.runs.map((run) => new Now(data, run));
    this.time = data.zero > data.view[0] && data.zero < data.view[1] ? data.zero : data.view[0];
    this.speed = speedFor(data.view[1] - data.view[0]);
    this.isPlaying = false;
    this.slider = slider("labs-trace-slider", STEPS);
    this.value = element("span", "labs-trace-value");
    this.status = new Status("labs-hidden");
    this.play = button("Play", "space", () => this.toggle(), "Play what is shown, slowly");
    const speeds = SPEEDS.map((speed) => (speed === 1 ? "as it was" : `1/${speed.toLocaleString("en")}`));
    this.speeds = choice("labs-trace-speeds", speeds, SPEEDS.indexOf(this.speed));
    this.shown = element("span", "labs-trace-shown");
    this.mount();
  }

  mount() {
    const { data } = this;
    this.slider.setAttribute("aria-label", data.clock);
    this.slider.addEventListener("input", () => {
      this.pause();
      const { from, to } = this.picture;
      this.go(from + (Number(this.slider.value) / STEPS) * (to - from));
    });
    this.speeds.addEventListener("change", () => { this.speed = SPEEDS[this.speeds.selectedIndex]; });
    this.play.made.classList.add("labs-trace-play");
    const way = (/** @type {1 | -1} */ way) => () => { this.pause(); this.step(way); };
    const buttons = [
      button("Back", "←", way(-1), "To the event before"), button("Next", "→", way(1), "To the next event"),
      button("Zoom in", "+", () => this.zoomBy(0.5), "Show half of the time, around the line"),
      button("Zoom out", "−", () => this.zoomBy(2), "Show twice as much of the time"),
      button("Reset", "Esc", () => this.zoom(...data.view), "Show what was shown at first"),
    ];
    const speed = element("label", "labs-trace-speed", "Speed ", this.speeds);
    const legend = element("p", "labs-trace-legend", ...data.signs.map(([kind, name]) => element("span", "labs-trace-entry", sign(kind, this.picture.stripes), name)));
    const picture = element("div", "labs-trace-scroll", this.picture.svg);
    this.place.replaceChildren(
      element("p", "labs-trace-head", element("strong", "", data.title), this.shown),
      element("div", "labs-row", this.slider, this.value),
      element("div", "labs-row", this.play.made, speed, ...buttons.map(({ made }) => made)),
      picture, legend, ...(data.caption === "" ? [] : [element("p", "labs-trace-caption", data.caption)]),
      element("div", "labs-trace-runs", ...this.runs.map(({ place }) => place)),
      this.status.line,
    );
    this.place.setAttribute("role", "group");
    this.place.setAttribute("aria-label", data.title);
    onKeys(this.place, (event) => this.key(event));
    this.drags();
    this.zoom(...data.view);
    this.status.hush(); // nobody has asked for anything so far
  }

  /** @param {number} time */
  words(time) {
    const { from, to } = this.picture;
    return clock(time - this.data.zero, to - from);
  }

  /** Shows the instant `time`. @param {number} time */
  go(time) {
    const { from, to } = this.picture;
    this.time = Math.min(to, Math.max(from, time));
    this.picture.point(this.time);
    this.slider.value = String(Math.round(((this.time - from) / (to - from)) * STEPS));
    const words = this.words(this.time);
    this.slider.setAttribute("aria-valuetext", words);
    write(this.value, words);
    this.runs.forEach((run) => run.show(this.time, (when) => this.words(when)));
    if (!this.isPlaying) { this.say(); }
  }

  say() {
    this.status.soon(() => `${this.words(this.time)}: ${this.sum()}`);
  }

  /** What happens at this very instant, or else all that is known of it. */
  sum() {
    const { data, time } = this;
    const several = data.runs.length > 1;
    const prefix = (/** @type {Run} */ run) => (several ? `${run.name}, ` : "");
    const changed = data.runs.flatMap((run) => run.lanes
      .filter((lane) => stateAt(lane, time).at === time && time > data.range[0])
      .map((lane) => `${prefix(run)}${lane.name}: ${laneWords(data, lane, time)}`));
    const queues = data.runs.flatMap((run) => {
      const words = queueWords(run, time);
      return words === "" ? [] : [`${prefix(run)}queue: ${words}`];
    });
    if (changed.length > 0) { return [...changed, ...(several ? [] : queues)].join("; "); }
    const lanes = data.runs.flatMap((run) => {
      if (!several) { return run.lanes.map((lane) => `${lane.name}: ${laneWords(data, lane, time)}`); }
      const busy = run.lanes.filter((lane) => stateAt(lane, time).task !== 0).length;
      return [`${run.name}: ${counted(busy, "worker")} with a task in hand`];
    });
    const locks = data.runs.flatMap((run) => (run.lock ? [`${prefix(run)}lock: ${lockWords(run, time)}`] : []));
    return [...lanes, ...queues, ...locks].join("; ");
  }

  /** To the next event that is shown, or the one before. @param {1 | -1} way @returns {boolean} Whether there was one. */
  step(way) {
    const { from, to } = this.picture;
    const inside = (/** @type {number} */ at) => at >= from && at <= to;
    const next = way > 0
      ? this.instants.find((at) => at > this.time && inside(at))
      : this.instants.findLast((at) => at < this.time && inside(at));
    this.go(next ?? (way > 0 ? to : from));
    return next !== undefined;
  }

  /** @param {number} from @param {number} to */
  zoom(from, to) {
    const [first, last] = this.data.range;
    // Nothing happens between two nanoseconds.
    const span = Math.min(last - first, Math.max(to - from, Math.min(100, last - first)));
    const start = Math.min(last - span, Math.max(first, from));
    [this.picture.from, this.picture.to] = [start, start + span];
    this.picture.draw();
    const all = span === last - first;
    write(this.shown, `${human(span)} shown${all ? "" : ` of ${human(last - first)}`}`);
    this.go(this.time);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    const { from, to } = this.picture;
    const share = (this.time - from) / (to - from);
    const span = (to - from) * factor;
    this.zoom(this.time - share * span, this.time + (1 - share) * span);
  }

  toggle() {
    if (this.isPlaying) { this.pause(); return; }
    const { from, to } = this.picture;
    if (this.time >= to) { this.go(from); }
    this.isPlaying = true;
    this.status.hush();
    this.showPlay();
    if (reducedMotion().matches) { this.playSteps(); } else { this.playOn(performance.now()); }
  }

  /** Moves with the clock on the wall. @param {number} before */
  playOn(before) {
    requestAnimationFrame((now) => {
      if (!this.isPlaying || !this.place.isConnected) { this.pause(); return; }
      // A page that was hidden does not jump.
      const passed = Math.min(100, Math.max(0, now - before));
      this.go(this.time + (passed * 1e6) / this.speed);
      if (this.time >= this.picture.to) { this.pause(); } else { this.playOn(now); }
    });
  }

  /** From event to event, where nothing may move. */
  playSteps() {
    if (!this.isPlaying || !this.place.isConnected) { this.pause(); return; }
    if (this.step(1) && this.time < this.picture.to) {
      this.stepping = setTimeout(() => this.playSteps(), STEP_PAUSE);
    } else {
      this.pause();
    }
  }

  pause() {
    if (!this.isPlaying) { return; }
    this.isPlaying = false;
    clearTimeout(this.stepping);
    this.showPlay();
    this.say();
  }

  showPlay() {
    write(this.play.words, this.isPlaying ? "Pause" : "Play");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { target, key } = event;
    const isButton = target instanceof HTMLButtonElement;
    if (target instanceof HTMLSelectElement && key !== "Escape") { return false; }
    if (isButton && (key === " " || key === "Enter")) { return false; }
    const { from, to } = this.picture;
    const part = (to - from) / 20;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowRight: () => (event.shiftKey ? this.go(this.time + part) : this.step(1)),
      ArrowLeft: () => (event.shiftKey ? this.go(this.time - part) : this.step(-1)),
      ArrowUp: () => this.step(1),
      ArrowDown: () => this.step(-1),
      PageUp: () => this.go(this.time + part),
      PageDown: () => this.go(this.time - part),
      Home: () => this.go(from),
      End: () => this.go(to),
      " ": () => this.toggle(),
      "+": () => this.zoomBy(0.5),
      "=": () => this.zoomBy(0.5),
      "-": () => this.zoomBy(2),
      "−": () => this.zoomBy(2),
      Escape: () => this.zoom(...this.data.view),
    };
    const act = acts[key];
    if (act === undefined) { return false; }
    if (!["+", "=", "-", "−", " ", "Escape"].includes(key)) { this.pause(); }
    act();
    return true;
  }

  /** A drag over the picture chooses what is shown; a click chooses the instant. */
  drags() {
    const { svg, chosen } = this.picture;
    /** @type {{ id: number, x: number } | null} */
    let began = null;
    const end = () => {
      began = null;
      chosen.setAttribute("width", "0");
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) { return; }
      began = { id: event.pointerId, x: event.clientX };
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.slider.focus({ preventScroll: true });
    });
    svg.addEventListener("pointermove", (event) => {
      if (began?.id !== event.pointerId) { return; }
      const [x0, x1] = [began.x, event.clientX].map((x) => this.picture.x(this.picture.timeAt(x))).sort((a, b) => a - b);
      chosen.setAttribute("x", String(x0));
      chosen.setAttribute("width", String(x1 - x0));
    });
    svg.addEventListener("pointerup", (event) => {
      if (began?.id !== event.pointerId) { return; }
      const times = [began.x, event.clientX].map((x) => this.picture.timeAt(x)).sort((a, b) => a - b);
      const isClick = Math.abs(event.clientX - began.x) < 5;
      end();
      this.pause();
      if (isClick) { this.go(times[0]); } else { this.zoom(times[0], times[1]); }
    });
    svg.addEventListener("pointercancel", end);
  }
}
