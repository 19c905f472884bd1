#include "spec_markdown.hpp"

#include <algorithm>
#include <cstdint>

namespace bsp::conformance {
namespace {

using lines = std::vector<std::string>;
constexpr auto none = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_punctuation(char c) { return std::string_view{"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}.find(c) != none; }

std::string_view trimmed(std::string_view text) {
    auto const begin = text.find_first_not_of(" \t\r");
    return begin == none ? std::string_view{} : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// ---- inside a block ----

/// Length of the clause id that `text` begins with, or 0.
std::size_t clause_id(std::string_view text) {
    if (!text.starts_with("BSP-")) return 0;
    std::size_t end = 4;
    while (end < text.size() && is_upper(text[end])) ++end;
    if (end == 4 || end + 4 > text.size() || text[end] != '-') return 0;
    auto const number = text.substr(end + 1, 3);
    bool const goes_on = end + 4 < text.size() && is_digit(text[end + 4]);
    return std::all_of(number.begin(), number.end(), is_digit) && !goes_on ? end + 4 : 0;
}

/// Where the code span that begins `text` ends, and its content; npos when no like row of backticks closes it.
std::size_t code_span(std::string_view text, std::string_view& content) {
    auto const width = std::min(text.find_first_not_of('`'), text.size());
    for (auto at = width; at < text.size();) {
        auto const begin = text.find('`', at);
        if (begin == none) break;
        at = std::min(text.find_first_not_of('`', begin), text.size());
        if (at - begin != width) continue;
        content = text.substr(width, begin - width);
        return at;
    }
    return none;
}

/// Where the first `mark` outside of code spans and escapes stands that `fits`, from `at` on.
template <class Fits>
std::size_t find_outside_code(std::string_view text, std::size_t at, char mark, Fits const& fits) {
    while (at < text.size()) {
        std::string_view content;
        if (text[at] == mark && fits(at)) return at;
        if (text[at] == '`') {
            auto const end = code_span(text.substr(at), content);
            at = end == none ? std::min(text.find_first_not_of('`', at), text.size()) : at + end;
        } else {
            at += text[at] == '\\' ? 2 : 1;
        }
    }
    return none;
}

/// Where the emphasis ends whose opening row of `width` asterisks begins `text`, or npos.
std::size_t end_of_emphasis(std::string_view text, std::size_t width) {
    if (text.size() <= width || text[width] == ' ' || text[width] == '\n') return none;
    return find_outside_code(text, width, '*', [&](std::size_t at) {
        auto const row = std::min(text.find_first_not_of('*', at), text.size()) - at;
        bool const inside = at > width && text[at - 1] == '*';  // in the middle of a row
        return row == width && !inside && text[at - 1] != ' ' && text[at - 1] != '\n';
    });
}

std::string inline_of(std::string_view text, link_target const& to, bool in_link) {
    std::string out;
    while (!text.empty()) {
        std::string_view code;
        if (auto const end = text[0] == '`' ? code_span(text, code) : none; end != none) {
            out += "<code>" + html_text(code) + "</code>";
            text.remove_prefix(end);
            continue;
        }
        if (text[0] == '\\' && text.size() > 1 && is_punctuation(text[1])) {
            out += html_text(text.substr(1, 1));
            text.remove_prefix(2);
            continue;
        }
        if (text[0] == '*') {
            auto const width = std::min(text.find_first_not_of('*'), text.size());
            if (auto const end = width <= 2 ? end_of_emphasis(text, width) : none; end != none) {
                std::string const name = width == 2 ? "strong" : "em";
                out += "<" + name + ">" + inline_of(text.substr(width, end - width), to, in_link) + "</" + name + ">";
                text.remove_prefix(end + width);
                continue;
            }
            out += text.substr(0, width);
            text.remove_prefix(width);
            continue;
        }
        if (text[0] == '[') {
            auto const middle = find_outside_code(text, 1, ']', [&](std::size_t at) { return at + 1 < text.size() && text[at + 1] == '('; });
            if (auto const end = middle == none ? none : text.find(')', middle); end != none) {
                auto const words = inline_of(text.substr(1, middle - 1), to, true), where = to(text.substr(middle + 2, end - middle - 2));
                out += where.empty() || in_link ? words : "<a href=\"" + html_text(where) + "\">" + words + "</a>";
                text.remove_prefix(end + 1);
                continue;
            }
        }
        if (auto const size = in_link ? 0 : clause_id(text)) {
            std::string address{"#"};
            for (char c : text.substr(0, size)) address += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
            auto const where = to(address), words = html_text(text.substr(0, size));
            out += where.empty() ? words : "<a href=\"" + html_text(where) + "\">" + words + "</a>";
            text.remove_prefix(size);
            continue;
        }
        auto const run = text[0] == '`' ? std::min(text.find_first_not_of('`'), text.size()) : std::min(text.find_first_of("`\\*[B", 1), text.size());
        out += html_text(text.substr(0, run));
        text.remove_prefix(run);
    }
    return out;
}

// ---- blocks ----

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

bool is_fence(std::string_view line) { return trimmed(line).starts_with("```"); }

int heading_level(std::string_view line) {
    auto const level = line.find_first_not_of('#');
    return level != none && level >= 1 && level <= 6 && line[level] == ' ' ? static_cast<int>(level) : 0;
}

struct list_mark {
    std::size_t content = 0;  ///< column at which the item's text begins; 0: no item begins here
    bool ordered = false, first = false;
};

list_mark list_mark_of(std::string_view line) {
    auto const indent = indent_of(line);
    auto end = indent;
    while (end < line.size() && is_digit(line[end])) ++end;
    bool const ordered = end > indent;
    if (end >= line.size() || std::string_view{ordered ? "." : "-*+"}.find(line[end]) == none) return {};
    if (++end >= line.size() || line[end] != ' ') return {};
    return {end + 1, ordered, !ordered || line.substr(indent, end - indent) == "1."};
}

bool is_row(std::string_view line) { return line.starts_with('|'); }

bool is_delimiter_row(std::string_view line) { return is_row(line) && line.find("---") != none && line.find_first_not_of("|-: \r") == none; }

/// The cells of a row. A bar in a cell is written `\|`, in code as well.
std::vector<std::string> cells_of(std::string_view row) {
    row = trimmed(row);
    row.remove_prefix(1);
    if (row.ends_with('|')) row.remove_suffix(1);
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') out.back() += row[++i];
        else if (row[i] == '|') out.emplace_back();
        else out.back() += row[i];
    }
    for (auto& cell : out) cell = trimmed(cell);
    return out;
}

/// `<a id="bsp-gen-001"></a>**BSP-GEN-001** rest`: the id; `rest` is what follows.
std::string clause_at(std::string_view line, std::string_view& rest) {
    constexpr std::string_view anchor = "<a id=\"", between = "\"></a>**";
    if (!line.starts_with(anchor)) return {};
    auto const at = line.find(between);
    if (at == none) return {};
    auto const text = line.substr(at + between.size());
    auto const size = clause_id(text);
    if (size == 0 || !text.substr(size).starts_with("** ")) return {};
    rest = text.substr(size + 3);
    return std::string{text.substr(0, size)};
}

/// The text of a clause: `*(server; A-008)* sentence *(untested: why)*`.
std::string clause_html(std::string_view text, link_target const& to) {
    std::string before, after;
    if (auto const end = text.find(")*"); text.starts_with("*(") && end != none) {
        before = "<small>" + inline_of(text.substr(1, end), to, false) + "</small> ";
        text = trimmed(text.substr(end + 2));
    }
    if (auto const begin = text.rfind("*("); text.ends_with(")*") && begin != none) {
        after = " <small>" + inline_of(text.substr(begin + 1, text.size() - begin - 2), to, false) + "</small>";
        text = trimmed(text.substr(0, begin));
    }
    return before + inline_of(text, to, false) + after;
}

class block_reader {
public:
    block_reader(lines const& text, link_target const& to) : lines_{text}, to_{to} {}

    std::vector<text_block> all() {
        std::vector<text_block> out;
        while (at_ < lines_.size()) {
            std::string_view const line = lines_[at_];
            if (std::string_view rest; trimmed(line).empty() || (line.starts_with("<!--") && trimmed(line).ends_with("-->"))) ++at_;
            else if (is_fence(line)) out.push_back({fenced_code()});
            else if (auto const level = heading_level(line)) out.push_back({inline_of(trimmed(lines_[at_++]).substr(static_cast<std::size_t>(level) + 1), to_, false), level});
            else if (begins_table(at_)) out.push_back({table()});
            else if (auto const mark = list_mark_of(line); mark.content > 0) out.push_back({list(mark)});
            else if (auto id = clause_at(line, rest); !id.empty()) ++at_, out.push_back({clause_html(trimmed(rest), to_), 0, std::move(id)});
            else out.push_back({"<p>" + paragraph() + "</p>"});
        }
        return out;
    }

private:
    [[nodiscard]] bool begins_table(std::size_t i) const { return is_row(lines_[i]) && i + 1 < lines_.size() && is_delimiter_row(lines_[i + 1]); }

    /// Whether line `i` ends the paragraph above it.
    [[nodiscard]] bool begins_block(std::size_t i) const {
        auto const& line = lines_[i];
        return trimmed(line).empty() || is_fence(line) || heading_level(line) > 0 || list_mark_of(line).first || begins_table(i);
    }

    std::string paragraph() {
        std::string text{trimmed(lines_[at_])};
        while (++at_ < lines_.size() && !begins_block(at_)) text += '\n' + std::string{trimmed(lines_[at_])};
        return inline_of(text, to_, false);
    }

    std::string fenced_code() {
        auto const indent = indent_of(lines_[at_]);
        std::string text;
        while (++at_ < lines_.size() && !is_fence(lines_[at_])) text += lines_[at_].substr(std::min(indent, indent_of(lines_[at_]))) + "\n";
        ++at_;
        return "<pre><code>" + html_text(text) + "</code></pre>";
    }

    std::string table() {
        auto const row = [this](std::string const& name, std::size_t columns) {
            auto cells = cells_of(lines_[at_]);
            cells.resize(columns);
            std::string out = "<tr>";
            for (auto const& cell : cells) out += "<" + name + ">" + inline_of(cell, to_, false) + "</" + name + ">";
            return out + "</tr>";
        };
        auto const columns = cells_of(lines_[at_]).size();
        std::string out = "<table><thead>" + row("th", columns) + "</thead><tbody>";
        for (at_ += 2; at_ < lines_.size() && is_row(lines_[at_]); ++at_) out += row("td", columns);
        return out + "</tbody></table>";
    }

    std::string list(list_mark const& kind) {
        auto const indent = indent_of(lines_[at_]);
        auto const begins_item = [&](std::string_view line) {
            auto const mark = list_mark_of(line);
            return mark.content > 0 && mark.ordered == kind.ordered && indent_of(line) == indent;
        };
        std::vector<lines> items;
        bool loose = false;
        while (at_ < lines_.size() && begins_item(lines_[at_])) {
            auto const column = list_mark_of(lines_[at_]).content;
            items.push_back({lines_[at_].substr(column)});
            for (++at_; at_ < lines_.size(); ++at_) {
                auto const& line = lines_[at_];
                bool const blank = trimmed(line).empty();
                if (blank) {
                    // A blank line belongs to the list when the list goes on behind it.
                    auto const next = static_cast<std::size_t>(std::find_if(lines_.begin() + static_cast<std::ptrdiff_t>(at_), lines_.end(), [](auto const& l) { return !trimmed(l).empty(); }) - lines_.begin());
                    if (next == lines_.size() || (indent_of(lines_[next]) < column && !begins_item(lines_[next]))) break;
                    loose = true;
                    items.back().emplace_back();
                } else if (indent_of(line) >= column) {
                    items.back().push_back(line.substr(column));
                } else if (begins_item(line) || begins_block(at_) || trimmed(lines_[at_ - 1]).empty()) {
                    break;
                } else {
                    items.back().push_back(line);  // goes on with the paragraph, though not indented
                }
            }
        }
        std::string out = kind.ordered ? "<ol>" : "<ul>";
        for (auto const& item : items) {
            out += "<li>";
            for (auto const& block : block_reader{item, to_}.all()) {
                std::string_view html = block.html;
                if (!loose && html.starts_with("<p>")) html = html.substr(3, html.size() - 7);
                out += html;
            }
            out += "</li>";
        }
        return out + (kind.ordered ? "</ol>" : "</ul>");
    }

    lines const& lines_;
    link_target const& to_;
    std::size_t at_ = 0;
};

}  // namespace

std::string html_text(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
        }
    }
    return out;
}

std::string inline_html(std::string_view markdown, link_target const& to) { return inline_of(markdown, to, false); }

std::vector<text_block> blocks_of(std::string_view markdown, link_target const& to) {
    lines text;
    while (!markdown.empty()) {
        auto const end = std::min(markdown.find('\n'), markdown.size());
        text.emplace_back(markdown.substr(0, end));
        markdown.remove_prefix(std::min(end + 1, markdown.size()));
    }
    return block_reader{text, to}.all();
}

}  // namespace bsp::conformance
