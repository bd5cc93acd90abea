// You are the scheduler: the student chooses which worker takes the next step. `Explorer::game` writes this script into the output of a
// cell, with the whole protocol as data beside it: every state that can be reached, and what comes after it.

import { button, copy, element, keepKeys, onKeys, Status } from "./parts.js";

/**
 * A state as the page's data has it: its parts without their names. A number that JavaScript cannot hold exactly is a string of digits.
 * @typedef {[number[], (number | string)[], number[], number, number[], number | string, number | string]} Row
 */

/**
 * @typedef {object} State
 * @property {number[]} after By worker: -1 if it cannot go, otherwise 3 × the state after its step + what came of the step.
 * @property {(number | string)[]} words
 * @property {number[]} places By worker: its next step.
 * @property {number} holder The worker that holds the lock, or -1.
 * @property {number[]} broken The rules that are broken here.
 * @property {bigint} schedules How many there are from here on.
 * @property {bigint} bad How many of them are bad, whatever came before.
 */

/**
 * @typedef {object} Protocol
 * @property {string} title
 * @property {string} variable The variable of the notebook that has the explorer.
 * @property {string[][]} workers The steps of each.
 * @property {string[]} words Their names.
 * @property {string[]} rules Their names, and when they are looked at.
 * @property {number} start
 * @property {State[]} states
 */

/** What came of a step, by its number. */
const CAME_OF_IT = ["", " → goes on", " → leaves"];

/** @param {number} worker */
const letter = (worker) => String.fromCharCode(65 + worker);

/** @param {bigint} count */
const thousands = (count) => count.toLocaleString("en");

/** What was played so far. It knows nothing of the page. */
export class Play {
  /** @param {Protocol} protocol */
  constructor(protocol) {
    this.protocol = protocol;
    /** The steps taken, each with the state after it. @type {{worker: number, step: number, way: number, state: number}[]} */
    this.taken = [];
  }

  /** The state after `steps` steps. @param {number} steps @returns {State} */
  after(steps) {
    const number = steps === 0 ? this.protocol.start : this.taken[steps - 1].state;
    return this.protocol.states[number];
  }

  get state() {
    return this.after(this.taken.length);
  }

  get word() {
    return this.taken.map((taken) => letter(taken.worker)).join("");
  }

  /** @param {number} worker */
  isDone(worker) {
    return this.state.places[worker] === this.protocol.workers[worker].length;
  }

  get isOver() {
    return this.state.after.every((after) => after < 0);
  }

  /** The workers that wait for the lock forever. */
  get stuck() {
    return this.isOver ? [...this.protocol.workers.keys()].filter((worker) => !this.isDone(worker)) : [];
  }

  /** The names of the rules that were broken so far. */
  get broken() {
    const broken = new Set();
    for (let steps = 0; steps <= this.taken.length; steps += 1) {
      this.after(steps).broken.forEach((rule) => broken.add(this.protocol.rules[rule]));
    }
    return [...broken];
  }

  get isBad() {
    return this.broken.length > 0 || this.stuck.length > 0;
  }

  /** The schedules that begin like this one, and the bad ones among them. @returns {[bigint, bigint]} */
  get ahead() {
    const { schedules, bad } = this.state;
    return [schedules, this.isBad ? schedules : bad];
  }

  /** Why `worker` cannot take a step, or nothing if it can. @param {number} worker */
  whyNot(worker) {
    if (this.state.after[worker] >= 0) {
      return "";
    }
    if (!this.isDone(worker)) {
      return `waits for the lock that ${letter(this.state.holder)} holds`;
    }
    const left = this.taken.some((taken) => taken.worker === worker && CAME_OF_IT[taken.way] === " → leaves");
    return left ? "has left" : "has done all its steps";
  }

  /** @param {number} worker */
  step(worker) {
    const after = this.state.after[worker];
    if (after >= 0) {
      const step = this.state.places[worker];
      this.taken.push({ worker, step, way: after % 3, state: Math.floor(after / 3) });
    }
  }

  undo() {
    return this.taken.pop();
  }

  /** The first worker that can goes on, again and again. */
  finish() {
    while (!this.isOver) {
      this.step(this.state.after.findIndex((after) => after >= 0));
    }
  }

  /** What a step did, as text. @param {{worker: number, step: number, way: number}} taken */
  named({ worker, step, way }) {
    return `${letter(worker)}: ${this.protocol.workers[worker][step]}${CAME_OF_IT[way]}`;
  }

  /** What the last step changed, as text. */
  get changes() {
    const steps = this.taken.length;
    if (steps === 0) {
      return [];
    }
    const [before, now] = [this.after(steps - 1), this.state];
    const changes = this.protocol.words.map((name, word) =>
      before.words[word] === now.words[word] ? "" : `${name} ${before.words[word]} → ${now.words[word]}`);
    if (before.holder !== now.holder) {
      changes.push(now.holder < 0 ? `${letter(before.holder)} gives the lock back` : `${letter(now.holder)} has the lock`);
    }
    return changes.filter((change) => change !== "");
  }
}

/** "A", "A and B", "A, B and C". @param {string[]} names */
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/** How many schedules are left, and how many bad ones, as text. @param {bigint} schedules @param {bigint} bad */
export function counted(schedules, bad) {
  if (schedules === 1n) {
    return `1 schedule is still reachable, and it is ${bad === 1n ? "bad" : "good"}.`;
  }
  if (bad === 0n) {
    return `None of the ${thousands(schedules)} schedules still reachable is bad.`;
  }
  if (bad === schedules) {
    return `All ${thousands(schedules)} schedules still reachable are bad.`;
  }
  return `Of ${thousands(schedules)} schedules still reachable, ${thousands(bad)} ${bad === 1n ? "is" : "are"} bad.`;
}

/** The data as a page has them. @param {any} data @returns {Protocol} */
export function read(data) {
  const states = data.states.map((/** @type {Row} */ [after, words, places, holder, broken, schedules, bad]) => ({
    after, words, places, holder, broken, schedules: BigInt(schedules), bad: BigInt(bad),
  }));
  return { ...data, states };
}

/** The page's side of one game. */
export class GameBoard {
  /** @param {HTMLElement} place @param {any} written */
  constructor(place, written) {
    const protocol = read(written);
    this.place = place;
    this.protocol = protocol;
    this.play = new Play(protocol);
    this.hasLock = protocol.states.some((state) => state.holder >= 0);
    this.workers = protocol.workers.map((steps, worker) => this.worker(steps, worker));
    this.memory = element("tr", "");
    this.lock = element("p", "labs-game-lock");
    this.status = new Status("labs-said labs-game-said");
    this.bar = element("span", "labs-game-share");
    this.counts = new Status("labs-game-counts");
    this.word = element("code", "labs-game-word");
    this.line = element("code", "labs-game-line");
    this.when = element("span", "labs-game-when");
    this.undo = button("Undo", "U", () => this.takeBack());
    this.restart = button("Restart", "R", () => this.startAgain());
    this.finish = button("Run to the end", "E", () => this.toTheEnd());
    this.copy = button("Copy", "Y", () => this.copyLine());
    this.mount();
  }

  /** @param {string[]} steps @param {number} worker */
  worker(steps, worker) {
    const next = element("span", "labs-game-next");
    const go = element("button", "labs-button labs-game-go", element("kbd", "", letter(worker)), " ", next);
    go.type = "button";
    go.setAttribute("aria-keyshortcuts", letter(worker));
    go.addEventListener("click", () => this.go(worker));
    keepKeys(go);
    const rows = steps.map((step) => {
      const [mark, way, state] = [element("span", "labs-game-mark"), element("span", ""), element("span", "labs-hidden")];
      mark.setAttribute("aria-hidden", "true");
      return { row: element("li", "", mark, state, step, way), mark, way, state };
    });
    return { next, go, rows, list: element("ol", "labs-game-steps", ...rows.map(({ row }) => row)) };
  }

  mount() {
    const { protocol } = this;
    const names = protocol.words.map((name) => {
      const head = element("th", "", name);
      head.scope = "col";
      return head;
    });
    const lanes = this.workers.map(({ go, list }, worker) => {
      const lane = element("div", `labs-game-lane labs-game-lane-${worker % 4}`, go, list);
      lane.setAttribute("role", "group");
      lane.setAttribute("aria-label", `Worker ${letter(worker)}`);
      return lane;
    });
    const bar = element("span", "labs-game-bar", this.bar);
    bar.setAttribute("aria-hidden", "true");
    const keys = listed(protocol.workers.map((_, worker) => letter(worker)));
    this.place.replaceChildren(
      element("p", "labs-game-goal", element("strong", "", protocol.title), ` Choose who takes the next step, and break a rule: ${
        protocol.rules.length > 0 ? protocol.rules.join("; ") : "no worker waits forever"}.`),
      element("p", "labs-game-keys", `The keys ${keys} take a step while the game has the focus.`),
      element("div", "labs-game-lanes", ...lanes),
      element("div", "labs-game-memory",
        element("table", "labs-game-words", element("thead", "", element("tr", "", ...names)), element("tbody", "", this.memory)),
        ...(this.hasLock ? [this.lock] : [])),
      this.status.line,
      element("div", "labs-game-ahead", this.counts.line, bar),
      element("p", "labs-row", "Your schedule: ", this.word),
      element("p", "labs-row", this.undo.made, this.restart.made, this.finish.made),
      element("p", "labs-row", this.when, this.line, this.copy.made),
    );
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "group");
    this.place.setAttribute("aria-label", protocol.title);
    keepKeys(this.place);
    onKeys(this.place, (event) => this.key(event));
    this.show();
    this.say(`Nothing has happened so far. ${this.sum()}`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const key = event.key.toUpperCase();
    const worker = key.length === 1 ? key.charCodeAt(0) - 65 : -1;
    if (worker >= 0 && worker < this.workers.length) {
      this.go(worker);
    } else if (key === "U" || key === "BACKSPACE") {
      this.takeBack();
    } else if (key === "R") {
      this.startAgain();
    } else if (key === "E") {
      this.toTheEnd();
    } else if (key === "Y") {
      this.copyLine();
    } else {
      return false;
    }
    return true;
  }

  /** @param {number} worker */
  go(worker) {
    const whyNot = this.play.whyNot(worker);
    if (whyNot !== "") {
      this.say(`${letter(worker)} ${whyNot}. ${this.hint()}`);
      return;
    }
    this.play.step(worker);
    this.show();
    const { taken, changes } = this.play;
    const what = changes.length > 0 ? changes.join(", ") : "nothing shared changes";
    this.say(`Step ${taken.length}, ${this.play.named(taken[taken.length - 1])}: ${what}. ${this.sum()}`);
  }

  takeBack() {
    const undone = this.play.undo();
    this.show();
    this.say(undone ? `Taken back: ${this.play.named(undone)}. ${this.sum()}` : "There is no step to take back.");
  }

  startAgain() {
    this.play = new Play(this.protocol);
    this.show();
    this.say(`Back at the start. ${this.sum()}`);
  }

  toTheEnd() {
    const before = this.play.taken.length;
    this.play.finish();
    this.show();
    const rest = this.play.word.slice(before);
    this.say(rest === "" ? `No worker can go on. ${this.sum()}` : `${rest}: run to the end. ${this.sum()}`);
  }

  async copyLine() {
    this.say(await copy(this.line, ": put it into the next cell"));
  }

  /** Who can go on, as text. */
  hint() {
    const able = this.workers.flatMap((_, worker) => (this.play.whyNot(worker) === "" ? [letter(worker)] : []));
    return able.length > 0 ? `${listed(able)} can take a step.` : "The schedule is over: take a step back, or start again.";
  }

  /** What has become of the rules, as text. */
  sum() {
    const { play } = this;
    const broken = play.broken.map((rule) => `Rule broken: ${rule}.`);
    if (play.stuck.length > 0) {
      const verb = play.stuck.length === 1 ? "waits" : "wait";
      broken.push(`Stuck: ${listed(play.stuck.map(letter))} ${verb} for the lock forever.`);
    }
    if (broken.length > 0) {
      const then = play.isOver ? `You broke it in ${play.taken.length} steps. Now force it on real processes.` : "Go on to the end.";
      return `✗ ${broken.join(" ")} ${then}`;
    }
    const [schedules, bad] = play.ahead;
    if (!play.isOver && bad === schedules) {
      return "Every order from here on breaks a rule: go on to the end.";
    }
    return play.isOver ? "✓ Over, and every rule is kept. Take some steps back, and try another order." : "";
  }

  /** @param {string} what */
  say(what) {
    this.status.say(what.trim());
  }

  show() {
    const { play, protocol } = this;
    this.workers.forEach((lane, worker) => {
      const whyNot = play.whyNot(worker);
      const place = play.state.places[worker];
      lane.next.textContent = whyNot === "" ? protocol.workers[worker][place] : whyNot;
        lane.go.setAttribute("aria-disabled", String(whyNot !== ""));
      const own = new Map(play.taken.filter((taken) => taken.worker === worker).map((taken) => [taken.step, taken.way]));
      lane.rows.forEach(({ row, mark, way, state }, step) => {
        const done = own.get(step);
        const now = step === place;
        const skipped = done === undefined && (step < place || play.isDone(worker));
        mark.textContent = done !== undefined ? "✓" : now ? "▶" : skipped ? "–" : "";
        way.textContent = CAME_OF_IT[done ?? 0];
        state.textContent = done !== undefined ? "done: " : now ? "next: " : skipped ? "skipped: " : "";
        row.className = `labs-game-step${now ? "-now" : done !== undefined ? "-done" : skipped ? "-skipped" : ""}`;
        if (now) {
          row.setAttribute("aria-current", "step");
        } else {
          row.removeAttribute("aria-current");
        }
      });
    });
    const steps = play.taken.length;
    const before = play.after(Math.max(steps - 1, 0));
    this.memory.replaceChildren(...play.state.words.map((value, word) => {
      const changed = before.words[word] !== value;
      const cell = element("td", changed ? "labs-game-changed" : "", String(value));
      if (changed) {
        cell.append(element("small", "", ` was ${before.words[word]}`));
      }
      return cell;
    }));
    const holder = play.state.holder;
    this.lock.textContent = holder < 0 ? "Lock: free" : `Lock: held by ${letter(holder)}`;
    this.lock.className = `labs-game-lock${before.holder === holder ? "" : " labs-game-changed"}`;
    const [schedules, bad] = play.ahead;
    this.counts.say(counted(schedules, bad));
    this.bar.style.width = `${Number((bad * 1000n) / schedules) / 10}%`;
    this.word.textContent = play.word === "" ? "(no step so far)" : play.word;
    this.when.textContent = play.isOver ? "For the next cell:" : "For the next cell, once no worker can go on:";
    this.line.textContent = `${protocol.variable}.play("${play.word}")?`;
    this.undo.made.setAttribute("aria-disabled", String(steps === 0));
    this.restart.made.setAttribute("aria-disabled", String(steps === 0));
    this.finish.made.setAttribute("aria-disabled", String(play.isOver));
  }
}
