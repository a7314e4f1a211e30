(function () {
  "use strict";
  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }

  var filter = document.querySelector(".filter");
  if (filter) {
    var told = document.getElementById("count"), none = document.getElementById("none");
    var narrow = document.querySelector(".narrow"), search = narrow.querySelector("input"), severity = "";
    filter.hidden = narrow.hidden = false;
    var findings = all(".finding").map(function (one) { return { node: one, words: one.textContent.toLowerCase() }; });
    var apply = function () {
      var words = search.value.toLowerCase().split(/\s+/), left = 0;
      var chosen = all(".narrow select").filter(function (one) { return one.value !== ""; });
      findings.forEach(function (one) {
        var fits = (severity === "" || one.node.dataset.severity === severity) &&
          chosen.every(function (by) { return one.node.dataset[by.dataset.by] === by.value; }) &&
          words.every(function (word) { return one.words.indexOf(word) !== -1; });
        one.node.hidden = !fits;
        if (fits) left += 1;
      });
      all(".sign").forEach(function (sign) { sign.hidden = sign.querySelector(".finding:not([hidden])") === null; });
      all(".filter button").forEach(function (one) { one.setAttribute("aria-pressed", String(one.dataset.severity === severity)); });
      none.hidden = left > 0;
      told.textContent = left + (left === 1 ? " finding is shown" : " findings are shown");
    };
    var reset = function () {
      severity = search.value = "";
      all(".narrow select").forEach(function (one) { one.value = ""; });
      apply();
    };
    filter.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (!button) return;
      severity = button.dataset.severity;
      apply();
    });
    narrow.addEventListener("input", apply);
    narrow.addEventListener("change", apply);
    document.getElementById("reset").addEventListener("click", function () { reset(); search.focus(); });
    all("a.tile").forEach(function (tile) { tile.addEventListener("click", reset); });
  }

  all(".copy").forEach(function (button) {
    var code = button.closest(".patch").querySelector("code");
    button.hidden = false;
    button.addEventListener("click", function () {
      function say(word) {
        button.textContent = word;
        setTimeout(function () { button.textContent = "Copy"; }, 2000);
      }
      function choose() {
        var range = document.createRange();
        range.selectNodeContents(code);
        var selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        say("Selected");
      }
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent + "\n").then(function () { say("Copied"); }, choose);
      else choose();
    });
  });

  addEventListener("beforeprint", function () { all("details").forEach(function (one) { one.open = true; }); });
})();
