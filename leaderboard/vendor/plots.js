export {
  plot, areaY, axisY, dot, line, pointer, rect, ruleX, ruleY, text, tip,
} from "@observablehq/plot";
