"""Label Studio's labelling configuration that fits the tasks candleloop writes."""

from __future__ import annotations

from xml.etree import ElementTree

from candleloop.annotations.interchange.label_studio import CONTROL, DATA, OBJECT, TIME_FORMAT
from candleloop.annotations.label_set import LabelSet

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
