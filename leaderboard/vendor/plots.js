export {
  plot, areaY, axisX, axisY, cell, dot, gridX, gridY, line, link, pointer, pointerX, rect, ruleX, ruleY, text, tip,
} from "@observablehq/plot";
