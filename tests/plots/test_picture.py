"""What the report reads of a plot: from any SVG that says the same, however it is written."""

import pytest

from tuning_playbook.plots.picture import Picture, Place, read_picture

SVG = """<?xml version="1.0"?>
<svg viewBox="0 0 200 100" xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">
 <!-- <g id="trials-commented"><use x="1" y="1"/></g> -->
 <g id="trials-aa-bb">
  <defs><path id="m"/></defs>
  <g><use y="25"
          x="50" x:href="#m"/></g>
  <g><use x="150" y="75"/></g>
 </g>
 <g id="trials-cc-dd"><use x="1" y="1"/></g>
 <g id="axes"><use x="9" y="9"/></g>
</svg>"""


def test_size_and_places_are_read_as_parts_of_the_picture():
    assert read_picture(SVG) == Picture(
        200, 100, (Place("aa", 0.25, 0.25), Place("bb", 0.75, 0.75))
    )


@pytest.mark.parametrize("svg", ["<svg/>", '<svg viewBox="none"/>'])
def test_an_svg_that_does_not_say_how_large_it_is_has_no_places(svg):
    assert read_picture(svg) == Picture()
