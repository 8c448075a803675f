"""Which files of a repository on the Hub are one split: the layouts that data sets there have."""

from __future__ import annotations

import pytest
from messages import saying

from zoo.data.known.hub_files import choose_files
from zoo.data.known.hub_name import HubName
from zoo.errors import DataError


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("mnist", HubName("mnist")),
        ("user/name", HubName("user/name")),
        ("user/name:test", HubName("user/name", split="test")),
        ("user/name@v1.0:test", HubName("user/name", revision="v1.0", split="test")),
        ("user/na.me-2@refs/convert/parquet", HubName("user/na.me-2", revision="refs/convert/parquet")),
        ("user/name/img_align+attr", HubName("user/name", config="img_align+attr")),
        ("user/name/small@abc:val", HubName("user/name", "small", "abc", "val")),
    ],
)
def test_a_name_is_read_and_written(location, name):
    assert HubName.read(location) == name
    assert str(name) == f"hf:{location}"


@pytest.mark.parametrize(
    "location", ["", "/", "user/", "../name", "user/name:", "user/name@", "a/b/c/d", "user name", ":x"]
)
def test_what_is_no_name_is_refused(location):
    with pytest.raises(DataError, match=saying("hf:USER/NAME")):
        HubName.read(location)


def chosen(paths, config=None, split=None, **more):
    found = choose_files(paths, config, split, **more)
    return found.split, dict(found.files)


SHARDS = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet"]
NAMED_CONFIG = ["README.md", "cifar100/train-00000-of-00001.parquet", "cifar100/test-00000-of-00001.parquet"]
CONVERTED = ["default/train/0000.parquet", "default/train/0001.parquet", "default/validation/0000.parquet"]
TWO_CONFIGS = ["big/train-00000-of-00001.parquet", "small/train-00000-of-00001.parquet"]


@pytest.mark.parametrize(
    ("paths", "split", "expected"),
    [
        (SHARDS, None, SHARDS[:2]),
        (SHARDS, "test", SHARDS[2:]),
        (NAMED_CONFIG, None, NAMED_CONFIG[1:2]),
        (CONVERTED, None, CONVERTED[:2]),
        (CONVERTED, "dev", CONVERTED[2:]),
        (["train.parquet", "test.parquet"], None, ["train.parquet"]),
        (["my_training_set.parquet", "my_test_set.parquet"], None, ["my_training_set.parquet"]),
        (["train/a.parquet", "train/b.parquet", "test/a.parquet"], None, ["train/a.parquet", "train/b.parquet"]),
        (["a.parquet", "b.parquet"], None, ["a.parquet", "b.parquet"]),
        (["latest.parquet", "trainer.parquet"], None, ["latest.parquet", "trainer.parquet"]),
        (["data/full-00000-of-00001.parquet"], None, ["data/full-00000-of-00001.parquet"]),
        (["default/partial-train/0000.parquet"], None, ["default/partial-train/0000.parquet"]),
    ],
)
def test_the_files_of_a_split_are_told_from_their_names(paths, split, expected):
    assert list(chosen(paths, split=split)[1]) == expected


def test_a_split_that_the_hub_has_converted_in_part_is_known_as_such():
    assert choose_files(["default/partial-train/0000.parquet"], None, None).partial
    assert not choose_files(CONVERTED, None, None).partial


def test_files_of_one_name_do_not_meet_in_the_folder():
    assert chosen(["a/train/x.parquet", "a/train/y/x.parquet"], config="a") == (
        "train",
        {"a/train/x.parquet": "x.parquet"},
    )
    both = ["data/one/train.parquet", "data/train.parquet"]
    assert len(set(chosen(both, declared=[{"data_files": "data/*"}])[1].values())) == 2


def test_one_of_several_configs_is_to_be_named():
    with pytest.raises(DataError, match=saying("several configs", "big, small")):
        chosen(TWO_CONFIGS)
    assert list(chosen(TWO_CONFIGS, config="small")[1]) == TWO_CONFIGS[1:]
    with pytest.raises(DataError, match=saying("no config 'tiny'", "big, small")):
        chosen(TWO_CONFIGS, config="tiny")


def test_one_of_several_splits_without_train_is_to_be_named():
    with pytest.raises(DataError, match=saying("several splits", "test, validation")):
        chosen(["a-test.parquet", "a-validation.parquet"])
    with pytest.raises(DataError, match=saying("no split 'gold'", "test, train")):
        chosen(SHARDS, split="gold")


def test_what_the_page_declares_goes_before_the_names():
    declared = [
        {
            "config_name": "a",
            "data_files": [{"split": "train", "path": "x/*.parquet"}, {"split": "test", "path": "y/*"}],
        },
        {"config_name": "b", "data_files": [{"split": "train", "path": ["z/1.parquet"]}], "default": True},
        "nonsense",
        {"config_name": "c", "data_files": {"split": 3}},
    ]
    paths = ["x/1.parquet", "y/1.parquet", "z/1.parquet", "z/2.parquet"]
    assert list(chosen(paths, declared=declared)[1]) == ["z/1.parquet"]
    assert list(chosen(paths, config="b", declared=declared)[1]) == ["z/1.parquet"]
    assert list(chosen(paths, config="a", declared=declared)[1]) == ["x/1.parquet"]
    assert list(chosen(paths, config="a", split="test", declared=declared)[1]) == ["y/1.parquet"]


def test_pictures_keep_the_folders_of_their_classes():
    paths = ["README.md", "train/cat/1.png", "train/dog/1.PNG", "test/cat/2.png", "train/notes.txt"]
    assert chosen(paths) == ("train", {"train/cat/1.png": "cat/1.png", "train/dog/1.PNG": "dog/1.PNG"})
    assert chosen(["cat/1.png", "dog/test.png"]) == (
        "train",
        {"cat/1.png": "cat/1.png", "dog/test.png": "dog/test.png"},
    )


def test_archives_go_before_pictures_and_parquet_before_both():
    assert chosen(["cover.png", "train.zip", "test.zip"])[1] == {"train.zip": "train.zip"}
    assert chosen(["cover.png", "a.zip", "a.parquet"])[1] == {"a.parquet": "a.parquet"}
    assert chosen(["w/train-0000.tar", "w/train-0001.tar"])[1] == {
        f"w/train-000{n}.tar": f"train-000{n}.tar" for n in (0, 1)
    }


def test_a_repository_without_anything_to_read_is_none():
    assert choose_files(["README.md", "train.jsonl"], None, None) is None


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "a\\..\\evil.png", "./evil.png", "a//evil.png"]
)
def test_names_that_lead_elsewhere_are_passed_over(name):
    assert choose_files([name], None, None) is None


def test_a_page_of_more_patterns_than_anybody_waits_for_is_refused():
    names = [f"data/train-{number:05}.parquet" for number in range(2000)]
    page = [
        {"config_name": "all", "data_files": [{"split": "train", "path": [f"*{number}" for number in range(6000)]}]}
    ]
    with pytest.raises(DataError, match="more patterns for its 2,000 files"):
        choose_files(names, None, None, page)


def test_a_pattern_that_no_person_has_written_is_passed_over():
    page = [{"config_name": "all", "data_files": [{"split": "train", "path": ["[" * 10_000_000, "data/*"]}]}]
    assert choose_files(["data/a.parquet"], None, None, page).files
