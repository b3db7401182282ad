from .compact_model import CompactModel as CompactModel
from .compact_model import load_compact as load_compact
from .compact_spec import CompactSpec as CompactSpec
from .composing import compose_modules as compose_modules
from .unit_reader import CodeText as CodeText
