"""Label Studio's labelling configuration: the one that fits the tasks candleloop writes, and what any other says."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from candleloop.annotations.interchange.label_studio import CONTROL, DATA, OBJECT, TIME_FORMAT
from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadRequest

CHANNELS = (("close", "#1f5fbf"), ("high", "#2f8f5b"), ("low", "#b4443c"), ("open", "#7a7a7a"))
"""The lines of the chart, the first also in the overview, with their colours."""


def labelling_config(label_set: LabelSet, *, volume: bool = False) -> str:
    """Return the configuration of a project for the series of one label set.

    Parameters
    ----------
    label_set
        Its labels, in their order, with their colours and keys.
    volume
        Whether to draw the volume. Label Studio refuses to show a task that lacks a column of its configuration.
    """
    view = ElementTree.Element("View")
    labels = ElementTree.SubElement(view, "TimeSeriesLabels", name=CONTROL, toName=OBJECT)
    for label in label_set.labels:
        attributes = {"value": label.name, "background": label.colour}
        if label.hotkey is not None:
            attributes["hotkey"] = label.hotkey
        ElementTree.SubElement(labels, "Label", attributes)
    chart = ElementTree.SubElement(
        view,
        "TimeSeries",
        name=OBJECT,
        valueType="json",
        value=f"${DATA}",
        timeColumn="time",
        timeFormat=TIME_FORMAT,
        timeDisplayFormat="%Y-%m-%d %H:%M",
        overviewChannels=CHANNELS[0][0],
    )
    for column, colour in (*CHANNELS, *([("volume", "#8a6fb0")] if volume else [])):
        ElementTree.SubElement(chart, "Channel", column=column, legend=column, strokeColor=colour)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What a project's labelling configuration says of its time series.

    Parameters
    ----------
    labels
        Names of its labels.
    control, chart
        Names of the tag with the labels and of the chart that they belong to.
    time_format
        How times of regions are written; None: as milliseconds.
    """

    labels: tuple[str, ...]
    control: str
    chart: str
    time_format: str | None


def read_config(text: str) -> ProjectConfig:
    """Read the labelling configuration of a project.

    Raises
    ------
    BadRequest
        ``not_a_labelling_config`` when it is no XML, or has no labels for a time series.
    """
    # A configuration needs no entities, and expanding them is how a small text fills the memory.
    if "<!" in text.replace("<!--", ""):
        raise _not_a_config("it declares a document type or entities")
    try:
        view = ElementTree.fromstring(text)  # noqa: S314 (no entities: see above)
    except (ElementTree.ParseError, ValueError) as error:
        raise _not_a_config(f"it is no XML ({error})") from None
    charts = {chart.get("name"): chart for chart in view.iter("TimeSeries")}
    for labels in view.iter("TimeSeriesLabels"):
        chart = charts.get(labels.get("toName"))
        control, name = labels.get("name"), labels.get("toName")
        names = tuple(value for label in labels.iter("Label") if (value := label.get("value")))
        if chart is not None and control and name and names:
            return ProjectConfig(names, control, name, chart.get("timeFormat") or None)
    raise _not_a_config("it has no TimeSeriesLabels with labels whose toName is a TimeSeries")


def _not_a_config(what: str) -> BadRequest:
    return BadRequest(
        f"This labelling configuration is not for time series: {what}.", code="not_a_labelling_config", field="schema"
    )
