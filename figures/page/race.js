// A race of things whose cost was measured: a dot for each goes round once for each time it is done, on a clock so slow that one of them takes
// a second. `Race` in figures/src/race.rs has the numbers.

import { button, choice, element, keepKeys, onKeys, reducedMotion, slider, Status, write } from "./parts.js";

/**
 * @typedef {object} Runner
 * @property {string} name
 * @property {number} cost In any unit, the same for all.
 * @property {string} measured The cost as a person reads it.
 */

/**
 * @typedef {object} Race
 * @property {string} title
 * @property {Runner[]} runners
 * @property {number} second The runner that takes a second at first.
 * @property {string[][]} scaled For each runner that takes a second, what each runner takes then, as a person reads it.
 */

/** How long a race is, in seconds of the page's clock. */
export const LONGEST = 60;

/** With more rounds a second than this, a dot would only flicker. */
export const FASTEST = 3;

/**
 * How many rounds a runner has made after so many seconds, if `other` takes a second for one.
 * @param {Runner} runner
 * @param {Runner} other
 * @param {number} seconds
 */
export function rounds(runner, other, seconds) {
    return (seconds * other.cost) / runner.cost;
}

/**
 * Rounds as a person reads them.
 * @param {number} rounds
 */
export function counted(rounds) {
    const whole = Math.floor(rounds + 1e-9);
    if (whole >= 1) { return whole.toLocaleString("en"); }
    const share = Number((100 * rounds).toPrecision(2));
    if (share === 0) { return "0"; }
    return share < 0.001 ? "less than 0.001 % of the first" : `${share} % of the first`;
}

/**
 * Where a dot is in its round, from 0 to 1; nothing if it is too fast to be seen.
 * @param {number} rounds
 * @param {number} rate Rounds a second.
 */
export function placeOf(rounds, rate) {
    return rate > FASTEST ? undefined : Math.max(0, rounds - Math.floor(rounds + 1e-9));
}

/** The page's side of a race. */
export class RaceBoard {
    /**
     * @param {HTMLElement} board
     * @param {Race} race
     */
    constructor(board, race) {
        this.board = board;
        this.race = race;
        this.second = race.second;
        this.playing = false;
        this.quiet = reducedMotion();
        /** Seconds of the race. Where nothing may move by itself, a beginning at zero would show nothing. */
        this.time = this.quiet.matches ? 10 : 0;
        this.before = 0;

        this.choice = choice("", race.runners.map(({ name }) => name), this.second);
        this.choice.addEventListener("change", () => this.choose(this.choice.selectedIndex));
        this.clock = slider("labs-race-clock", LONGEST);
        this.clock.setAttribute("aria-label", "time"); // and not the time beside it, too
        this.clock.addEventListener("input", () => this.moveTo(Number(this.clock.value)));
        this.clock.addEventListener("change", () => this.tell());
        this.shown = element("span", "labs-race-time");
        this.play = button("Play", "Space", () => this.toggle());
        this.restart = button("Restart", "R", () => this.again());
        this.note = element("p", "labs-race-note");
        this.status = new Status("labs-said");
        this.rows = race.runners.map((runner) => this.row(runner));
        this.mount();
        this.quiet.addEventListener("change", () => this.stop());
    }

    /** @param {Runner} runner */
    row(runner) {
        const [scaled, done] = [element("td", ""), element("td", "labs-race-done")];
        const [trail, dot] = [element("span", "labs-race-trail"), element("span", "labs-race-dot")];
        const track = element("td", "labs-race-track", element("span", "labs-race-line", trail, dot));
        track.setAttribute("aria-hidden", "true"); // the number beside it says the same
        const name = element("th", "", runner.name);
        name.scope = "row";
        return { row: element("tr", "", name, element("td", "", runner.measured), scaled, track, done), scaled, track, trail, dot, done };
    }

    mount() {
        const head = ["", "measured", "on this clock", "once round for each", "done"].map((name) => {
            const cell = element(name === "" ? "td" : "th", "", name);
            if (cell instanceof HTMLTableCellElement && name !== "") { cell.scope = "col"; }
            return cell;
        });
        const table = element("table", "labs-race-table", element("thead", "", element("tr", "", ...head)),
            element("tbody", "", ...this.rows.map(({ row }) => row)));
        const slider = element("label", "labs-race-slider", "time ", this.clock, this.shown);
        this.board.replaceChildren(
            element("p", "", element("strong", "", this.race.title)),
            element("div", "labs-row", element("label", "", "What takes a second: ", this.choice)),
            element("div", "labs-row", this.play.made, this.restart.made, slider),
            this.note, table, this.status.line,
        );
        this.board.tabIndex = 0;
        this.board.setAttribute("role", "group");
        this.board.setAttribute("aria-label", this.race.title);
        keepKeys(this.board);
        onKeys(this.board, (event) => this.key(event));
        this.show();
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const own = event.target === this.board;
        const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -LONGEST, End: LONGEST });
        if (event.key === " " && (own || event.target === this.clock)) {
            this.toggle();
        } else if (event.key.toUpperCase() === "R" && event.target !== this.choice) {
            this.again();
        } else if (own && event.key in steps) {
            this.moveTo(Math.round(this.time) + steps[event.key]);
            this.tell();
        } else {
            return false;
        }
        return true;
    }

    toggle() {
        if (this.playing) { this.stop(); return; }
        if (this.quiet.matches) { return; }
        if (this.time >= LONGEST) { this.time = 0; }
        this.playing = true;
        this.before = performance.now();
        this.status.say("");
        this.show();
        requestAnimationFrame((now) => this.tick(now));
    }

    /** @param {number} now */
    tick(now) {
        if (!this.playing) { return; }
        if (!this.board.isConnected) { this.playing = false; return; }
        // A page that was not shown goes on where it was.
        this.time = Math.min(LONGEST, this.time + Math.min(0.25, Math.max(0, now - this.before) / 1000));
        this.before = now;
        if (this.time >= LONGEST) { this.stop(); return; }
        this.show();
        requestAnimationFrame((now) => this.tick(now));
    }

    stop() {
        this.playing = false;
        this.show();
        this.tell();
    }

    again() {
        this.playing = false;
        this.moveTo(0);
        this.tell();
    }

    /** @param {number} time */
    moveTo(time) {
        this.playing = false;
        this.time = Math.min(LONGEST, Math.max(0, time));
        this.show();
    }

    /** @param {number} second */
    choose(second) {
        this.second = second;
        this.show();
        this.tell();
    }

    /** @param {Runner} runner */
    roundsOf(runner) {
        return rounds(runner, this.race.runners[this.second], this.time);
    }

    /** Says where the race is. */
    tell() {
        this.status.soon(() => this.sum());
    }

    sum() {
        const done = this.race.runners.map((runner) => this.roundsOf(runner));
        const most = done.indexOf(Math.max(...done));
        const least = done.indexOf(Math.min(...done));
        const of = (/** @type {number} */ index) => `${this.race.runners[index].name}, ${counted(done[index])}`;
        return `After ${this.words()}: first is ${of(most)}; last is ${of(least)}.`;
    }

    words() {
        return `${this.playing ? this.time.toFixed(1) : Number(this.time.toFixed(1))} s`;
    }

    /** Puts everything on the page as it is now. */
    show() {
        const { race, second } = this;
        this.play.made.hidden = this.quiet.matches;
        write(this.play.words, this.playing ? "Pause" : "Play");
        this.clock.value = String(Math.round(this.time));
        this.clock.setAttribute("aria-valuetext", this.words());
        this.shown.textContent = this.words();
        this.note.textContent = this.quiet.matches
            ? "Your system asks for no motion, so nothing moves by itself: move the time."
            : "A full, striped track goes round too fast to be seen.";
        race.runners.forEach((runner, index) => {
            const { row, scaled, track, trail, dot, done } = this.rows[index];
            const made = this.roundsOf(runner);
            const place = placeOf(made, rounds(runner, race.runners[second], 1));
            row.classList.toggle("labs-race-second", index === second);
            scaled.textContent = race.scaled[second][index];
            track.classList.toggle("labs-race-blur", place === undefined && this.time > 0);
            trail.style.width = `${100 * (place ?? 0)}%`;
            dot.style.left = `${100 * (place ?? 0)}%`;
            done.textContent = counted(made);
        });
    }
}
