"""What becomes of a folder's finished pictures when another plan is begun in it.

known_plans   the plans that the folder had
growth        which pictures stay, move, or would be lost
refusals      why some would be lost, in the words of the spec
set_aside     move what goes out of the way; moves: bring what stays to its new place
pictures_at_once   what a run that goes on keeps as it was begun
preparation   all of that, in an order in which a kill loses nothing
"""

from fvcli.run.growing.growth import Asked, Growth, same_pictures
from fvcli.run.growing.preparation import Preparation, refuse_to_begin

__all__ = ["Asked", "Growth", "Preparation", "refuse_to_begin", "same_pictures"]
