from .clusters import Clusters as Clusters
from .clusters import CorrelationTree as CorrelationTree
from .linear_cka import cka as cka
from .live import live_neurons as live_neurons
from .live import mean_and_variance as mean_and_variance
from .streamed_moments import MomentAccumulator as MomentAccumulator
from .streamed_moments import Moments as Moments
from .streamed_moments import moments as moments
