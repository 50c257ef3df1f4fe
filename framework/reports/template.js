(function () {
  "use strict";
  var specs = JSON.parse(document.getElementById("specs").textContent);
  var options = { displayModeBar: false, displaylogo: false, responsive: true };
  Object.keys(specs).forEach(function (name) {
    var slot = document.getElementById("chart-" + name);
    if (slot) { Plotly.newPlot(slot, specs[name].data, specs[name].layout, options); }
  });

  function compare(a, b) {
    var x = Number(a), y = Number(b);
    var numeric = a !== "" && b !== "" && !isNaN(x) && !isNaN(y);
    return numeric ? x - y : a.localeCompare(b);
  }

  function sortBy(head) {
    var table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    var up = head.getAttribute("aria-sort") !== "ascending";
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (r, s) {
      var order = compare(r.cells[column].dataset.key, s.cells[column].dataset.key);
      return up ? order : -order;
    });
    table.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    rows.forEach(function (row) { body.appendChild(row); });
  }

  document.querySelectorAll("table.sortable thead th").forEach(function (head) {
    head.addEventListener("click", function () { sortBy(head); });
    head.addEventListener("keydown", function (event) { if (event.key === "Enter") { sortBy(head); } });
  });
})();
