// Sine, cosine, tangent and their inverses to the last bit as Go computes them: Cephes' polynomials, not JavaScript's.
// The last bit shows where a value becomes a label (count_values) or is compared for equality.

/** Angles from here on need more digits of π than three parts have; JavaScript's functions are used. */
const largeAngle = 2 ** 29;

const fourOverPi = 1.2732395447351628;
/** π/4 in three parts, the first two short enough to be multiplied without rounding. */
const quarterHigh = 0.7853981256484985;
const quarterMiddle = 3.774894707930798e-8;
const quarterLow = 2.6951514290790595e-15;

/** The even number of eighths of a turn nearest to a positive angle. */
function evenEighths(angle: number): number {
  const eighths = Math.trunc(angle * fourOverPi);
  return eighths % 2 === 1 ? eighths + 1 : eighths;
}

/** What is left of an angle without so many eighths. */
function remainder(angle: number, eighths: number): number {
  return angle - eighths * quarterHigh - eighths * quarterMiddle - eighths * quarterLow;
}

function sineNearZero(z: number): number {
  const q = z * z;
  const series =
    ((((1.5896230157654656e-10 * q - 2.5050747762857807e-8) * q + 0.0000027557313621285726) * q -
      0.0001984126982958954) *
      q +
      0.008333333333322118) *
      q -
    0.1666666666666663;
  return z + z * q * series;
}

function cosineNearZero(z: number): number {
  const q = z * z;
  const series =
    ((((-1.1358536521387682e-11 * q + 2.087570084197473e-9) * q - 2.755731417929674e-7) * q +
      0.000024801587288851704) *
      q -
      0.0013888888888873056) *
      q +
    0.041666666666666595;
  return 1 - 0.5 * q + q * q * series;
}

export function goSin(angle: number): number {
  const size = Math.abs(angle);
  if (angle === 0 || !(size < largeAngle)) return Math.sin(angle);
  const eighths = evenEighths(size);
  const z = remainder(size, eighths);
  const octant = eighths % 8;
  const value = octant === 2 || octant === 6 ? cosineNearZero(z) : sineNearZero(z);
  return angle < 0 !== octant > 3 ? -value : value;
}

export function goCos(angle: number): number {
  const size = Math.abs(angle);
  if (!(size < largeAngle)) return Math.cos(angle);
  const eighths = evenEighths(size);
  const z = remainder(size, eighths);
  const octant = eighths % 8;
  const value = octant === 2 || octant === 6 ? sineNearZero(z) : cosineNearZero(z);
  return octant === 2 || octant === 4 ? -value : value;
}

export function goTan(angle: number): number {
  const size = Math.abs(angle);
  if (angle === 0 || !(size < largeAngle)) return Math.tan(angle);
  const eighths = evenEighths(size);
  const z = remainder(size, eighths);
  const q = z * z;
  let value = z;
  if (q > 1e-14) {
    const above = (-13093.693918138379 * q + 1153516.6483858742) * q - 17956525.197648488;
    const below =
      (((q + 13681.296347069296) * q - 1320892.3444021097) * q + 25008380.18233579) * q -
      53869575.592945464;
    value = z + z * ((q * above) / below);
  }
  if (eighths % 4 === 2) value = -1 / value;
  return angle < 0 ? -value : value;
}

function arctangentNearZero(x: number): number {
  const q = x * x;
  const above =
    (((-0.8750608600031904 * q - 16.157537187333652) * q - 75.00855792314705) * q -
      122.88666844901361) *
      q -
    64.85021904942025;
  const below =
    ((((q + 24.858464901423062) * q + 165.02700983169885) * q + 432.88106049129027) * q +
      485.3903996359137) *
      q +
    194.5506571482614;
  return x * ((q * above) / below) + x;
}

/** What π/2 lacks as a float. */
const halfPiRest = 6.123233995736766e-17;

/** The arctangent of a number that is not negative. */
function arctangent(x: number): number {
  if (x <= 0.66) return arctangentNearZero(x);
  if (x > 2.414213562373095) return Math.PI / 2 - arctangentNearZero(1 / x) + halfPiRest;
  return Math.PI / 4 + arctangentNearZero((x - 1) / (x + 1)) + 0.5 * halfPiRest;
}

export function goAtan(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  return x > 0 ? arctangent(x) : -arctangent(-x);
}

export function goAsin(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  const size = Math.abs(x);
  if (size > 1) return Number.NaN;
  const other = Math.sqrt(1 - size * size);
  const value = size > 0.7 ? Math.PI / 2 - arctangent(other / size) : arctangent(size / other);
  return x < 0 ? -value : value;
}

export function goAcos(x: number): number {
  return Math.PI / 2 - goAsin(x);
}

export function goAtan2(y: number, x: number): number {
  const plain = x !== 0 && y !== 0 && Number.isFinite(x) && Number.isFinite(y);
  if (!plain) return Math.atan2(y, x);
  const value = goAtan(y / x);
  if (x > 0) return value;
  return value <= 0 ? value + Math.PI : value - Math.PI;
}
