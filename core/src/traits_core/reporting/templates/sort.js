"use strict";
for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const numeric = heading.classList.contains("number");
      const direction = heading.ariaSort ? (heading.ariaSort === "ascending" ? -1 : 1) : numeric ? -1 : 1;
      const key = (row) => numeric ? Number(row.cells[column].dataset.value ?? NaN) : row.cells[column].textContent;
      const compare = (a, b) => {
        const [left, right] = [key(a), key(b)];
        if (!numeric) return direction * left.localeCompare(right);
        // Undefined values stay at the end in both directions.
        return Number.isNaN(left) - Number.isNaN(right) || direction * (left - right) || 0;
      };
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      body.append(...[...body.rows].sort(compare));
    });
  });
}
