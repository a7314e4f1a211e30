(function () {
  var bar = document.querySelector(".bar");
  if (!bar) return;
  bar.hidden = false;
  bar.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) return;
    bar.querySelectorAll("button").forEach(function (one) { one.setAttribute("aria-pressed", String(one === button)); });
    var wanted = button.dataset.severity;
    document.querySelectorAll(".finding").forEach(function (one) { one.hidden = wanted !== "all" && one.dataset.severity !== wanted; });
  });
})();
