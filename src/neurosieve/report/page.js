"use strict";
// Saves tables and copies texts; the page is whole without it.
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
