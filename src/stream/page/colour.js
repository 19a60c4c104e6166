// A song's colour, made readable on the page's ground without losing which colour it is.

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const gamma = (c) => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);

function toOklab(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => linear(parseInt(hex.slice(i, i + 2), 16) / 255));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

const fits = (rgb) => rgb.every((c) => c >= -0.001 && c <= 1.001);

/** The colour of this lightness, a little greyer where the screen has none so strong. */
function written(lightness, a, b) {
  let strength = 1;
  let rgb = fromOklab([lightness, a, b]);
  while (!fits(rgb) && strength > 0) {
    strength -= 0.05;
    rgb = fromOklab([lightness, a * strength, b * strength]);
  }
  const byte = (c) => Math.round(255 * gamma(Math.min(1, Math.max(0, c))));
  return `rgb(${rgb.map(byte).join(" ")})`;
}

const NEUTRAL = "#7d8794";
const RANGE = { dark: [0.58, 0.88], light: [0.38, 0.64] };

/** The colour itself and a lighter and a deeper one, for a ground that is dark or not. */
export function shades(colour, dark) {
  const hex = /^#[0-9a-f]{6}$/i.test(colour ?? "") ? colour : NEUTRAL;
  let [lightness, a, b] = toOklab(hex);
  const [low, high] = dark ? RANGE.dark : RANGE.light;
  const placed = low + (high - low) * Math.min(1, Math.max(0, (lightness - 0.2) / 0.7));
  const chroma = Math.hypot(a, b);
  const most = 0.16;
  if (chroma > most) [a, b] = [(a * most) / chroma, (b * most) / chroma];
  return {
    base: written(placed, a, b),
    light: written(Math.min(0.93, placed + 0.07), a, b),
    deep: written(placed - 0.11, a, b),
  };
}
