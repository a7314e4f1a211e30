(function () {
  "use strict";
  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }

  var filter = document.querySelector(".filter");
  if (filter) {
    var told = document.getElementById("count");
    filter.hidden = false;
    filter.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (!button) return;
      var wanted = button.dataset.severity, left = 0;
      all(".filter button").forEach(function (one) { one.setAttribute("aria-pressed", String(one === button)); });
      all(".sign").forEach(function (sign) {
        var here = 0;
        sign.querySelectorAll(".finding").forEach(function (one) {
          one.hidden = wanted !== "" && one.dataset.severity !== wanted;
          if (!one.hidden) here += 1;
        });
        sign.hidden = here === 0;
        left += here;
      });
      told.textContent = left + (left === 1 ? " finding is shown" : " findings are shown");
    });
    all("a.tile").forEach(function (tile) {
      tile.addEventListener("click", function () { filter.querySelector("button").click(); });
    });
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
