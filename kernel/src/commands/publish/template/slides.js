// A deck: one slide at a time, by keyboard, button or finger, and the speaker's notes in a window of their own. The place is in the address.
const slides = [...document.querySelectorAll(".slide")];
const main = document.querySelector("main");
const byId = name => document.getElementById(name);
const hidden = slide => [...slide.querySelectorAll(".fragment:not(.shown)")];
const shown = slide => [...slide.querySelectorAll(".fragment.shown")];
const heading = slide => slide?.querySelector("h1, h2, h3")?.textContent ?? (slide ? "the run" : "the end");
let at = 0;
let speaker = null;
let begun = null; // when the first slide was left

// When each slide should begin, in minutes: its notes may say how long its part takes, as in "4 minutes".
const plan = [];
let minutes = 0;
let part = [0, 0];
for (const slide of slides) {
  const text = [...slide.querySelectorAll("template.notes")].map(notes => notes.content.textContent.trim()).join(" ");
  const takes = text.match(/^(\d+) minutes?\b/);
  if (takes) {
    part = [minutes, minutes + Number(takes[1])];
    minutes = part[1];
  }
  plan.push(part);
}

function show(index, all) {
  at = Math.max(0, Math.min(slides.length - 1, index));
  if (at > 0) begun ??= Date.now();
  slides.forEach((slide, number) => slide.classList.toggle("now", number === at));
  slides[at].querySelectorAll(".fragment").forEach(fragment => fragment.classList.toggle("shown", all));
  slides[at].focus({ preventScroll: true }); // so that a screen reader reads it
  byId("place").textContent = `${at + 1} / ${slides.length}`;
  const id = slides[at].querySelector("[id]")?.id;
  if (id) history.replaceState(null, "", `#${id}`);
  tell();
}

function on() {
  const [next] = hidden(slides[at]);
  if (next) next.classList.add("shown");
  else if (at < slides.length - 1) show(at + 1, false);
}

function back() {
  const last = shown(slides[at]).pop();
  if (last) last.classList.remove("shown");
  else if (at > 0) show(at - 1, true);
}

// The slide that the address names, by any id on it.
function named() {
  const slide = byId(decodeURIComponent(location.hash.slice(1)))?.closest(".slide");
  show(slide ? slides.indexOf(slide) : 0, slide !== undefined);
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const pressed = event.target.closest?.("a, button, summary");
  if (pressed && (event.key === " " || event.key === "Enter")) return; // it presses the button
  const does = {
    ArrowRight: on, ArrowDown: on, PageDown: on, Enter: on, " ": event.shiftKey ? back : on,
    ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back,
    Home: () => show(0, false), End: () => show(slides.length - 1, true),
    f: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(), s: speak,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

// The window of the speaker: what to say, the next slide, the clock and the plan.
function speak() {
  if (speaker && !speaker.closed) return speaker.focus();
  speaker = open("", "", "width=900,height=700");
  if (!speaker) return; // the browser opens no windows
  speaker.document.title = "Notes";
  speaker.document.body.innerHTML = `<style>:root { color-scheme: light dark } body { font: 22px/1.45 system-ui, sans-serif; margin: 24px }
    #clock { font-size: 40px; font-variant-numeric: tabular-nums } p { margin: 0 0 14px } header, footer { opacity: .85; font-size: 18px }</style>
    <header><span id="clock"></span> <span id="plan"></span></header><h1 id="heading"></h1><div id="notes"></div><footer>Next: <span id="next"></span></footer>`;
  speaker.addEventListener("keydown", keys);
  tell();
}

function tell() {
  if (!speaker || speaker.closed) return;
  const put = (name, text) => { speaker.document.getElementById(name).textContent = text; };
  const [from, to] = plan[at];
  put("plan", `slide ${at + 1} of ${slides.length}; by the plan minutes ${from} to ${to} of ${minutes}`);
  put("heading", heading(slides[at]));
  put("next", heading(slides[at + 1]));
  const notes = [...slides[at].querySelectorAll("template.notes")].map(notes => speaker.document.importNode(notes.content, true));
  speaker.document.getElementById("notes").replaceChildren(...notes);
  tick();
}

function tick() {
  if (!speaker || speaker.closed) return;
  const seconds = begun ? Math.floor((Date.now() - begun) / 1000) : 0;
  speaker.document.getElementById("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function fit() {
  const scale = Math.min(innerWidth / 1280, innerHeight / 720);
  const [left, top] = [(innerWidth - 1280 * scale) / 2, (innerHeight - 720 * scale) / 2];
  main.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
}

let touched = null;
addEventListener("touchstart", event => { touched = event.touches.length === 1 ? event.touches[0].clientX : null; }, { passive: true });
addEventListener("touchend", event => {
  const moved = touched === null ? 0 : event.changedTouches[0].clientX - touched;
  if (moved < -50) on();
  if (moved > 50) back();
});
byId("on").addEventListener("click", on);
byId("back").addEventListener("click", back);
byId("speak").addEventListener("click", speak);
addEventListener("keydown", keys);
addEventListener("hashchange", named);
addEventListener("resize", fit);
setInterval(tick, 1000);
document.body.classList.add("live");
fit();
named();
