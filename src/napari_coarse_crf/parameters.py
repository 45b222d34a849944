"""What a person may turn, described once.

Each field of `Parameters` carries its symbol, unit, range, default and help. Sliders, command-line options, the table
in the pages, the range check and the saved JSON are all made from these fields, so a parameter is added in one place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from napari_coarse_crf.errors import InputError, ParameterError, in_short
from napari_coarse_crf.json_text import read_json
from napari_coarse_crf.schema import Schema, only_unnumbered
from napari_coarse_crf.similarity import FORMS, readers

if TYPE_CHECKING:
    from dataclasses import Field

    from napari_coarse_crf.similarity import Similarity

Section = Literal["heatmap", "appearance kernel", "smoothness kernel", "inference", "cleaning"]

SCHEMA: Final = Schema("The set of parameters", (only_unnumbered,), ParameterError)
"""The forms of stored parameters: of preset files, and of what a refined layer was made with."""


@dataclass(frozen=True, slots=True)
class Description:
    """How one parameter is shown, explained and checked.

    Attributes
    ----------
    section : str
        The part of the method that the parameter belongs to.
    label, symbol, unit : str
        Its name for people, its sign in the formulas, and what it is measured in ("" where it has no unit): "px" is a
        length, "pixels" how many there are (in 3-D voxels).
    low, high : float
        The closed range of a number; both 0 for a choice.
    choices : tuple of str
        The allowed values of a choice; empty for a number.
    logarithmic : bool
        Whether a slider should spread the range evenly over decades; of a range from 0, over those of the value + 1.
    help_text : str
        What a larger value does, in plain words.
    """

    section: Section
    label: str
    symbol: str
    unit: str
    low: float
    high: float
    choices: tuple[str, ...]
    logarithmic: bool
    help_text: str


def _parameter(
    default: Any,
    *,
    section: Section,
    label: str,
    help_text: str,
    symbol: str = "",
    unit: str = "",
    low: float = 0.0,
    high: float = 0.0,
    choices: tuple[str, ...] = (),
    logarithmic: bool = False,
) -> Any:
    description = Description(section, label, symbol, unit, low, high, choices, logarithmic, help_text)
    return field(default=default, metadata={"description": description})


def _used_by(name: str) -> str:
    """Return in brackets which forms of the similarity read a parameter."""
    return f"({', '.join(readers(name))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Everything a person may turn; the defaults were chosen on real images of twelve kinds.

    Distances are pixels of the image's finest axis, colours grey levels of 0..255 (images of other types are scaled to
    that range). `help(Parameters.describe)` and docs/parameters.md list every field with its range.

    Raises
    ------
    ParameterError
        If a value is not a finite number of its range, or not one of the choices.

    Examples
    --------
    >>> Parameters(theta_alpha=80).theta_alpha
    80.0
    >>> Parameters.preset("paper").similarity
    'joint'
    """

    similarity: Similarity = _parameter(
        "combined", section="heatmap", label="Similarity", choices=tuple(FORMS),
        help_text="How an unlabelled pixel is compared with the labelled ones: "
        + ", ".join(f"'{name}' {form.in_words}" for name, form in FORMS.items()) + ".",
    )
    weights: Literal["auto", "fixed"] = _parameter(
        "fixed", section="heatmap", label="Weights", choices=("auto", "fixed"),
        help_text="Whether your labels choose how much paths, sizes of labels and texture count and how strongly alike "
        f"pixels pull {_used_by('weights')}: 'auto' hides a part of them, and takes what finds it again from the rest. "
        "'fixed': as you set them.",
    )
    heatmap_distance: float = _parameter(
        40.0, section="heatmap", label="Reach", symbol="s_p", unit="px", low=1.0, high=500.0, logarithmic=True,
        help_text="How far a labelled pixel speaks for its surroundings in the heatmap "
        f"{_used_by('heatmap_distance')}. Larger: labels reach further.",
    )
    heatmap_colour: float = _parameter(
        5.0, section="heatmap", label="Colour tolerance", symbol="s_c", unit="of 255", low=1.0, high=100.0,
        logarithmic=True,
        help_text="How different a colour may be and still count as alike in the heatmap "
        f"{_used_by('heatmap_colour')}. Larger: colour matters less.",
    )
    geodesic_colour_weight: float = _parameter(
        2.0, section="heatmap", label="Edge cost", symbol="λ", unit="px per grey level", low=0.0, high=20.0,
        help_text="How much a step across a colour change costs on the way from a label "
        f"{_used_by('geodesic_colour_weight')}, for a change by 10 grey levels per pixel; steeper ones cost more than "
        "in proportion. Larger: labels stop at weaker edges.",
    )
    geodesic_scale: float = _parameter(
        5.0, section="heatmap", label="Path scale", symbol="s_g", unit="px", low=0.5, high=100.0, logarithmic=True,
        help_text=f"Length of a path at which it begins to count {_used_by('geodesic_scale')}. Larger: near labels "
        "differ less.",
    )
    geodesic_exponent: float = _parameter(
        4.0, section="heatmap", label="Path weight", symbol="p", low=0.0, high=20.0,
        help_text=f"How strongly longer paths lower the probability {_used_by('geodesic_exponent')}. Larger: the label "
        "with the shortest path wins more clearly.",
    )
    prior_weight: float = _parameter(
        0.8, section="heatmap", label="Size of labels", symbol="w_n", low=0.0, high=2.0,
        help_text="How much likelier a label is that you painted more of, everywhere "
        f"{_used_by('prior_weight')}; the less, the more of the image is labelled. Larger: large classes win where "
        "colour and paths leave it open. 0: all labels alike.",
    )
    texture_weight: float = _parameter(
        0.0, section="heatmap", label="Texture", symbol="w_t", low=0.0, high=3.0,
        help_text="How much the surroundings of a pixel count (edges, ridges, roughness at four scales), beside its "
        f"colour {_used_by('texture_weight')}. Larger: texture decides more, where it is like that of your labels. 0: "
        "colours alone.",
    )
    instances: Literal["auto", "never"] = _parameter(
        "auto", section="heatmap", label="One id per object", choices=("auto", "never"),
        help_text="Whether labels may stand for one object each, such as an id for each cell "
        f"{_used_by('instances')}. 'auto': if all but one, or nine in ten, keep to a small place each beside one that "
        "reaches far, they are one class, and told from each other by paths alone. 'never': each label is a class of "
        "its own.",
    )
    appearance_weight: float = _parameter(
        2.0, section="appearance kernel", label="Weight", symbol="w1", low=0.0, high=50.0,
        help_text="How strongly pixels of similar colour pull each other to one label. Larger: regions follow colour "
        "more and small classes may vanish. 0 switches the kernel off.",
    )
    theta_alpha: float = _parameter(
        160.0, section="appearance kernel", label="Distance", symbol="θα", unit="px", low=1.0, high=1000.0,
        logarithmic=True,
        help_text="How far apart two pixels of similar colour may be and still pull each other to one label. Larger: "
        "wider reach.",
    )
    theta_beta: float = _parameter(
        8.0, section="appearance kernel", label="Colour", symbol="θβ", unit="of 255", low=1.0, high=100.0,
        logarithmic=True,
        help_text="How different two colours may be and still pull each other to one label. Larger: edges matter less.",
    )
    smoothness_weight: float = _parameter(
        3.0, section="smoothness kernel", label="Weight", symbol="w2", low=0.0, high=20.0,
        help_text="How strongly neighbouring pixels pull each other to one label, whatever their colour. Larger: "
        "smoother outlines, fewer specks. 0 switches the kernel off.",
    )
    theta_gamma: float = _parameter(
        3.0, section="smoothness kernel", label="Distance", symbol="θγ", unit="px", low=0.5, high=20.0,
        logarithmic=True,
        help_text="How far apart two pixels may be and still smooth each other. Larger: larger specks vanish.",
    )
    iterations: int = _parameter(
        10, section="inference", label="Iterations", unit="steps", low=1, high=100,
        help_text="How often the labels are updated at most. 5 is enough for a look, 10 for most images.",
    )
    tolerance: float = _parameter(
        0.0, section="inference", label="Stop below", symbol="ε", low=0.0, high=1.0,
        help_text="Stop when no probability (0 to 1) of an unlabelled pixel changes by more than this. 0: run all "
        "iterations.",
    )
    label_confidence: float = _parameter(
        1.0, section="inference", label="Trust in labels", symbol="c", low=0.5, high=1.0,
        help_text="The probability that a stroke of yours is right. 1: they are facts. Lower: a wrong one misleads its "
        "surroundings less. Your labels stay in the result either way.",
    )
    min_confidence: float = _parameter(
        0.0, section="inference", label="Leave unlabelled below", low=0.0, high=1.0,
        help_text="Pixels whose label is right with a lower probability than this stay 0 (unlabelled). Of those .8 "
        "sure, about 80 % are right. 0: label every pixel.",
    )
    keep_parts: Literal["all", "stroke-sized", "labelled"] = _parameter(
        "all", section="cleaning", label="Keep parts", choices=("all", "stroke-sized", "labelled"),
        help_text="Which connected parts of a label stay: 'all'; 'stroke-sized', those with as many pixels as a stroke "
        "of the thinnest label, twice as long as wide; or 'labelled', only those that touch a stroke of that label. "
        "Pixels taken away get the label that comes next in probability there; strokes always stay.",
    )
    smallest_part: int = _parameter(
        0, section="cleaning", label="Smallest part", unit="pixels", low=0, high=100_000, logarithmic=True,
        help_text="Connected parts of a label with fewer pixels (in 3-D voxels) are taken away, unless they touch a "
        "stroke of that label. Larger: larger specks vanish. 0: none for this. Where parts are to be stroke-sized, "
        "too, the larger of both counts.",
    )
    fill_holes: int = _parameter(
        0, section="cleaning", label="Fill holes up to", unit="pixels", low=0, high=100_000, logarithmic=True,
        help_text="What lies enclosed in one label becomes that label, if it has no more pixels (in 3-D voxels) than "
        "this, and no stroke. Larger: larger holes vanish. 0: all stay.",
    )

    def __post_init__(self) -> None:
        """Check every field against its description and give numbers their declared type."""
        for spec in fields(self):
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))

    @classmethod
    def describe(cls) -> Mapping[str, Description]:
        """Return the description of every parameter, by name and in the order shown to people.

        Examples
        --------
        >>> Parameters.describe()["theta_alpha"].unit
        'px'
        """
        return MappingProxyType({spec.name: spec.metadata["description"] for spec in fields(cls)})

    @classmethod
    def preset(cls, name: str) -> Parameters:
        """Return a named set of parameters.

        Parameters
        ----------
        name : {"auto", "default", "paper"}
            "auto" is "default" with weights that the labels choose, and without specks that are smaller than strokes
            (`keep_parts`); `refine_labels` uses it where nothing else is said. "paper" is the plainest reading of the
            source: nearest labelled pixel in colour and position (60 px, 15 grey levels), the kernels of Krähenbühl
            and Koltun's code (w1 10, θα 80, θβ 13, w2 3, θγ 3), labels that the CRF may doubt (0.9).

        Raises
        ------
        ParameterError
            If there is no preset of that name.
        """
        if not isinstance(name, str) or name not in PRESETS:
            raise ParameterError(f"There is no preset {in_short(name)}. Choose one of: {', '.join(PRESETS)}.")
        return cls(**PRESETS[name])

    def replace(self, /, **changes: Any) -> Parameters:
        """Return a copy with some fields changed."""
        _check_known(changes)
        return replace(self, **changes)

    def of_section(self, section: Section) -> dict[str, Any]:
        """Return the values of one section by name, ready for `replace`.

        Examples
        --------
        >>> Parameters(fill_holes=20).of_section("cleaning")
        {'keep_parts': 'all', 'smallest_part': 0, 'fill_holes': 20}
        """
        return {name: getattr(self, name) for name, about in self.describe().items() if about.section == section}

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, ready for JSON or a layer's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parameters:
        """Return the parameters named in `values`; those left out keep their defaults.

        They may carry the number of their form, as files do.

        Raises
        ------
        ParameterError
            If a name is unknown, a value is outside its range, or they are of a newer version.
        """
        if not isinstance(values, Mapping):
            raise ParameterError(f"The parameters are {in_short(values)}; pass values by name, such as a dict.")
        today = SCHEMA.todays(values)
        _check_known(today)  # here, as any text may be a name in a file, "self" too
        return cls().replace(**today)

    def to_json(self) -> str:
        """Return the parameters as an indented JSON object, with the number of its form."""
        return json.dumps(SCHEMA.stamped(self.to_dict()), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        """Return the parameters stored by `to_json`, of this version or any before.

        Raises
        ------
        ParameterError
            If `text` is not a JSON object of known parameters within their ranges, or a newer version wrote it.
        """
        try:
            values = read_json(text)
        except InputError as error:
            raise ParameterError(
                f"The preset is not valid JSON ({error}). Use a file saved by this plugin or by Parameters.to_json()."
            ) from error
        if not isinstance(values, dict):
            raise ParameterError('The preset must be a JSON object such as {"theta_alpha": 80}.')
        return cls.from_dict(values)


PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "auto": MappingProxyType({"weights": "auto", "keep_parts": "stroke-sized"}),
    "default": MappingProxyType({}),
    "paper": MappingProxyType({
        "similarity": "joint", "heatmap_distance": 60.0, "heatmap_colour": 15.0,
        "appearance_weight": 10.0, "theta_alpha": 80.0, "theta_beta": 13.0,
        "smoothness_weight": 3.0, "theta_gamma": 3.0, "iterations": 10, "label_confidence": 0.9,
    }),
})  # fmt: skip
"""The named sets of parameters: what each changes against the defaults."""


def read_parameters(given: Parameters | str | None) -> Parameters:
    """Return the parameters, those of a preset, or the default ones, whose weights the labels choose.

    Raises
    ------
    ParameterError
        If it is none of these.

    Examples
    --------
    >>> read_parameters(None).weights
    'auto'
    """
    if given is None or isinstance(given, str):
        return Parameters.preset(given or "auto")
    if not isinstance(given, Parameters):
        raise ParameterError(
            f"parameters is a {type(given).__name__}; pass Parameters(...), or Parameters.from_dict(...) of names and "
            "values."
        )
    return given


def reduce_parameters(parameters: Parameters, step: float, ndim: int) -> Parameters:
    """Return what does at reduced size as `parameters` at full size: lengths shrink with the image, counts more.

    Examples
    --------
    >>> small = reduce_parameters(Parameters(theta_alpha=160, smallest_part=64), step=4, ndim=2)
    >>> small.theta_alpha, small.smallest_part
    (40.0, 4)
    """
    changes: dict[str, float] = {}
    for name, described in parameters.describe().items():
        if described.unit.startswith("px"):  # also "px per grey level"
            changes[name] = max(getattr(parameters, name) / step, described.low)
        elif described.unit == "pixels":
            changes[name] = round(getattr(parameters, name) / step**ndim)
    return parameters.replace(**changes)


def _check_known(values: Mapping[Any, Any]) -> None:
    """Raise if something has a name that no parameter has."""
    known = Parameters.describe()
    for name in values:
        if name not in known:
            raise ParameterError(f"There is no parameter {in_short(name)}. Choose from: {', '.join(known)}.")


def _checked(spec: Field[Any], value: Any) -> Any:
    """Return `value` as the field's type, or say why it cannot be used."""
    described: Description = spec.metadata["description"]
    if described.choices:
        if not isinstance(value, str) or value not in described.choices:
            raise ParameterError(
                f"{spec.name} is {in_short(value)}; it must be one of: {', '.join(described.choices)}."
            )
        return value
    whole = isinstance(spec.default, int)
    number = real_number(value)
    needed = f"{'a whole number' if whole else 'a number'} from {described.low:g} to {described.high:g}"
    if described.unit:
        needed += f" ({described.unit})"
    # NaN fails the comparison.
    if not described.low <= number <= described.high or (whole and not number.is_integer()):
        raise ParameterError(f"{spec.name} is {in_short(value)}; it must be {needed}.")
    return int(number) if whole else number


def real_number(value: Any) -> float:
    """Return a real number of Python or numpy as a float, NaN where it is none: neither text nor True.

    Examples
    --------
    >>> real_number(3), real_number("3")
    (3.0, nan)
    """
    if getattr(value, "ndim", None) == 0 and not hasattr(value, "mask"):  # an array of numpy, or its number
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
