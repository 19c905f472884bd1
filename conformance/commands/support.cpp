#include "support.hpp"

#include "../report/curl.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

namespace bsp::conformance {

int reporting_usage(std::ostream& err, std::function<int()> const& body) {
    try {
        return body();
    } catch (usage_error const& e) {
        err << "bsp-conformance: " << e.what() << '\n';
        return exit_code::usage;
    }
}

std::string read_file(std::string const& path) {
    std::error_code ec;
    std::ifstream in{path, std::ios::binary};
    if (!in || std::filesystem::is_directory(path, ec)) throw usage_error{"cannot read " + path};
    std::ostringstream text;
    text << in.rdbuf();  // fails on an empty file, which is none of its business
    return text.str();
}

recorded_run read_report(std::string const& path) {
    auto read = read_run(read_file(path));
    if (!read) throw usage_error{path + ": " + read.error().detail};
    return *std::move(read);
}

std::chrono::milliseconds duration_of(std::string const& text) {
    auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
    auto const unit = text.substr(digits);
    if (digits < 1 || digits > 6 || (unit != "s" && unit != "ms" && unit != "m" && !unit.empty())) throw usage_error{"\"" + text + "\" is no duration; say 30s, 500ms or 2m"};
    std::chrono::milliseconds const n{std::stoll(text.substr(0, digits))};
    return unit == "ms" ? n : unit == "m" ? n * 60'000 : n * 1'000;
}

std::string from_environment(char const* name) {
    char const* value = std::getenv(name);
    return value ? value : "";
}

std::vector<user_account> users_from(std::string const& given) {
    auto const file = given.empty() ? from_environment("BSP_USERS_FILE") : given;
    auto const inline_text = from_environment("BSP_USERS");
    if (file.empty() && inline_text.empty())
        throw usage_error{"who may pair? Give --users FILE, a JSON object of user ids and pairing secrets: {\"ada\": \"…\", \"bob\": \"…\"}"};
    auto const users = read_users(file.empty() ? inline_text : read_file(file));
    if (!users) throw usage_error{(file.empty() ? std::string{"BSP_USERS"} : file) + ": " + users.error().detail};
    return *users;
}

std::optional<std::string> admin_token_from(std::string const& file) {
    auto token = file.empty() ? from_environment("BSP_ADMIN_TOKEN") : read_file(file);
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
    if (token.empty() && !file.empty()) throw usage_error{file + " holds no token"};
    return token.empty() ? std::nullopt : std::optional{token};
}

std::string trust_arguments(target_options const& trust, std::string_view ca_option) {
    return (trust.ca_file.empty() ? "" : " " + std::string{ca_option} + " " + shell_word(trust.ca_file)) + (trust.verify_certificate ? "" : " --insecure");
}

std::string short_name_of(std::string const& path) {
    std::filesystem::path const p{path};
    auto const stem = p.stem().string();
    return stem == "report" && p.has_parent_path() ? std::filesystem::absolute(p).lexically_normal().parent_path().filename().string() : stem;
}

report_files::report_files(output_files const& o, std::ostream& out, bool quietly) : out_{out} {
    using make = std::unique_ptr<report> (*)(std::ostream&);
    struct kind {
        std::string const& file;
        char const* in_folder;
        make create;
        bool announced;  // what a person opens
    };
    kind const kinds[] = {{o.html, "report.html", html_report, true},      {o.junit, "report.xml", junit_report, false},    {o.json, "report.jsonl", json_lines_report, false},
                          {o.markdown, "report.md", markdown_report, false}, {o.sarif, "report.sarif", sarif_report, false}, {o.badge, "badge.svg", badge_report, false}};
    if (!o.folder.empty()) {
        std::error_code ec;
        std::filesystem::create_directories(o.folder, ec);
        if (ec) throw usage_error{"cannot make the folder " + o.folder + ": " + ec.message()};
    }
    for (auto const& k : kinds) {
        if (!o.folder.empty()) all_.push_back(k.create(open((std::filesystem::path{o.folder} / k.in_folder).string())));
        if (!o.folder.empty() && k.announced) announced_.push_back(files_.back().first);
        if (k.file.empty()) continue;
        all_.push_back(k.create(open(k.file)));
        if (k.announced && k.file != "-") announced_.push_back(k.file);
    }
    if (to_out_ || quietly) return;
    bool const is_terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) == 1;
    bool const colours = is_terminal && from_environment("NO_COLOR").empty() && from_environment("TERM") != "dumb";
    all_.push_back(terminal_report(out, colours, is_terminal));
}

std::ostream& report_files::open(std::string const& path) {
    if (path == "-") {
        if (to_out_) throw usage_error{"only one report can go to the standard output"};
        to_out_ = true;
        return out_;
    }
    files_.emplace_back(path, std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc));
    if (!*files_.back().second) throw usage_error{"cannot write " + path};
    return *files_.back().second;
}

void report_files::take(json::object const& event) {
    for (auto& r : all_) r->take(event);
}

void report_files::close(std::ostream& out) {
    for (auto& [path, file] : files_)
        if (!file->flush()) throw usage_error{"cannot write " + path};
    if (to_out_) return;
    for (auto const& path : announced_) out << "report  " << path << '\n';
}

}  // namespace bsp::conformance
