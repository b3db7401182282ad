"""One small source in each language, and what its words are."""

from neurosieve.concepts.properties import PROPERTIES, Source, tokens

SMALL = {
    "python": '''import os
class Box(Base):
    """Holds it."""
    def get_it(self, aKey=0x1F):
        x = self.MAX[0] + 10  # a step
        return f(x, "s t", aKey, os)
''',
    "java": """import a.B;
class Box extends Base {
  /** Holds it. */
  int getIt(int aKey) {
    int x = this.max[0] + 0x1F; // a step
    return f(x, "s t", aKey);
  }
}
""",
    "c": """#include <a.h>
typedef struct box { int size; } Box;
/** Gets it. */
int get_it(Box *b, int aKey) {
  int x = b->size + 0x1F; // a step
  return f(x, "s t", aKey);
}
""",
    "cpp": """using std::min;
class Box : public Base {
  /// Gets it.
  int getIt(const int& aKey) {
    auto x = this->size_ + 0x1F; // a step
    return ns::f(x, "s t", aKey);
  }
  int size_;
};
""",
    "javascript": """import { b } from "./x.js";
class Box extends Base {
  /** Gets it. */
  getIt(aKey) {
    const x = this.max[0] + 0x1F; // a step
    return f(x, "s t", aKey);
  }
}
""",
    "go": """package main
import b "x"
type Box struct { size int }
// Gets it.
func (s *Box) GetIt(aKey int) int {
	x := s.size + 0x1F // a step
	return f(x, "s t", aKey)
}
""",
    "rust": """use a::B;
struct Box { size: u8 }
impl Box {
    /// Gets it.
    fn get_it(&self, a_key: u8) -> u8 {
        let x = self.size + 0x1F; // a step
        f(x, "s t", a_key)
    }
}
""",
}


def values(name: str, text: str, language: str = "python") -> list[tuple[str, str | None]]:
    """Each word with its value of a property."""
    source = Source(text, language)
    spans = tokens(source)
    return [(text[a:b], v) for (a, b), v in zip(spans, PROPERTIES[name].of(source, spans), strict=True)]


def shown(name: str, text: str, language: str = "python") -> str:
    """The words that have a value, with it."""
    return " ".join(f"{word}:{value}" for word, value in values(name, text, language) if value is not None)


def whole(name: str, text: str, language: str = "python") -> str | None:
    """The value of an example property."""
    return PROPERTIES[name].of(Source(text, language), [(0, len(text))])[0]
