import base64
import io

import attrs
import numpy as np
import pytest
from PIL import Image

from traits_core.errors import DataError
from traits_core.reporting.colormap import colours
from traits_core.reporting.pictures import panel_view


def decode(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def views(panel, exemplar, *heats):
    exemplars = tuple(exemplar(i, heat_hw=heat) for i, heat in enumerate(heats))
    return panel_view(panel(exemplars=exemplars)).pictures


def test_colours_grow_lighter_from_black_to_pale_yellow():
    rgb = colours(np.linspace(0, 1, 101)[None])[0].astype(int)
    luminance = rgb @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()
    assert rgb[0].tolist() == [0, 0, 4]
    assert rgb[-1].tolist() == [252, 255, 164]


def test_colours_go_from_the_median_of_a_panel_to_its_maximum_in_all_its_pictures(panel, exemplar):
    heats = np.float32([[0, -90, 2, 6]]), np.float32([[6, 10, 2, 1]])
    first, second = (np.asarray(decode(p.heat))[0] for p in views(panel, exemplar, *heats))
    black, middle, top = [0, 0, 4], [188, 55, 84], [252, 255, 164]
    assert first[:, :3].tolist() == [black, black, black, middle]
    assert second[:, :3].tolist() == [middle, top, black, black]
    assert (first[3] == second[0]).all()


def test_a_heat_map_has_the_resolution_of_its_grid_and_is_translucent(panel, exemplar):
    (picture,) = views(panel, exemplar, np.random.default_rng(0).normal(size=(3, 7)))
    heat = decode(picture.heat)
    assert heat.size == (7, 3)
    alpha = np.asarray(heat)[..., 3]
    assert 0 < alpha.min() < alpha.max() < 255


def test_the_hottest_cell_is_where_the_score_is_highest(panel, exemplar):
    heat_hw = np.zeros((4, 8), np.float32)
    heat_hw[1, 6] = 1
    (picture,) = views(panel, exemplar, heat_hw)
    assert attrs.astuple(picture.hottest) == (75, 25, 12.5, 25)


def test_cells_that_are_not_finite_stay_clear(panel, exemplar):
    (picture,) = views(panel, exemplar, np.float32([[np.nan, 1, np.inf, 3, -np.inf]]))
    alpha = np.asarray(decode(picture.heat))[0, :, 3]
    assert (alpha == 0).tolist() == [True, False, True, False, True]
    assert picture.hottest.left == 60


@pytest.mark.parametrize("heat", [None, np.full((2, 2), np.nan, np.float32)])
def test_a_picture_without_scores_has_no_heat_map(panel, exemplar, heat):
    (picture,) = views(panel, exemplar, heat)
    assert picture.heat is None
    assert picture.hottest is None


def test_a_constant_heat_map_is_drawn(panel, exemplar):
    (picture,) = views(panel, exemplar, np.full((2, 2), 3.0, np.float32))
    assert len(np.unique(np.asarray(decode(picture.heat)).reshape(4, 4), axis=0)) == 1


def test_small_pictures_are_exact_and_large_ones_are_shrunk(panel, exemplar):
    small = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    large = np.full((300, 600, 3), 90, np.uint8)
    pictures = panel_view(
        panel(exemplars=(exemplar(0, image=small), exemplar(1, image=large)))
    ).pictures
    assert (np.asarray(decode(pictures[0].source)) == small).all()
    assert [picture.pixelated for picture in pictures] == [True, False]
    shrunk = decode(pictures[1].source)
    assert (shrunk.format, shrunk.size) == ("WEBP", (160, 80))
    assert abs(np.asarray(shrunk.convert("RGB")).astype(int) - 90).max() <= 2


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_an_image_that_is_not_rgb_bytes_is_refused(exemplar, image):
    with pytest.raises(DataError, match=r"uint8 \[height, width, 3\]"):
        exemplar(0, image=image)


def test_heat_that_is_no_grid_is_refused(exemplar):
    with pytest.raises(DataError, match=r"\[rows, columns\], got \(64,\)"):
        exemplar(0, heat_hw=np.zeros(64, np.float32))
