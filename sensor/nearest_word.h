// Finds the word a mistyped one was meant to be: the "did you mean" of messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The candidate with the smallest edit distance, if that is small enough to be a typing mistake;
/// else "".
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace weir
