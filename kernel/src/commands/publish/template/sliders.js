// Each figure with sliders: its specification stands in the page, as data.
for (const place of document.querySelectorAll(".vega")) {
  const spec = JSON.parse(place.querySelector("script").textContent);
  vegaEmbed(place, spec, { renderer: "svg", actions: false });
}
