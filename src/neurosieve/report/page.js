"use strict";
// Draws the figures and saves tables; the page is whole without it but for the drawings.
const figures = JSON.parse(document.getElementById("figures").textContent);
for (const place of document.querySelectorAll("[data-figure]")) {
  const figure = figures[place.dataset.figure];
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displayModeBar: false });
}
// A cell that a spreadsheet would take for a formula is marked as text.
const cell = (text) => `"${(/^[=+@\t\r]|^-[^\d]/.test(text) ? "'" + text : text).replaceAll('"', '""')}"`;
for (const button of document.querySelectorAll("button[data-name]")) {
  button.addEventListener("click", () => {
    const rows = [...button.parentElement.querySelectorAll("tr")];
    const text = rows.map((row) => [...row.cells].map((c) => cell(c.textContent)).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
    link.download = `${button.dataset.name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
