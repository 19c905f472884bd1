#pragma once

#include "../commands.hpp"
#include "../report/reading.hpp"

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// What several subcommands need.
namespace bsp::conformance {

/// Wrong usage: printed as one line, ends with exit status 3.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Runs `body` and turns a usage_error into its line and exit status.
int reporting_usage(std::ostream& err, std::function<int()> const& body);

/// The bytes of a file; usage_error when it cannot be read.
std::string read_file(std::string const& path);

/// A report that an earlier run wrote; usage_error names the file and what is wrong with it.
recorded_run read_report(std::string const& path);

/// Users and admin token from files, else from the environment (BSP_USERS_FILE, BSP_USERS, BSP_ADMIN_TOKEN).
std::vector<user_account> users_from(std::string const& file);
std::optional<std::string> admin_token_from(std::string const& file);

/// "30s", "500ms", "2m", or seconds alone; usage_error when it is none of these.
std::chrono::milliseconds duration_of(std::string const& text);

std::string from_environment(char const* name);

/// " --ca-file FILE" or " --insecure", as the command line had it, or "". curl calls the first `--cacert`.
std::string trust_arguments(target_options const&, std::string_view ca_option = "--ca-file");

/// "target.jsonl" → "target"; report.jsonl of a folder is called after the folder. What tables call a report.
std::string short_name_of(std::string const& path);

/// Where a list of reports goes, each with the file it is written to. "-" is the standard output; while something is
/// written there, or `quietly`, the terminal report is left out.
class report_files final : public report {
public:
    report_files(output_files const&, std::ostream& out, bool quietly);
    void take(json::object const& event) override;
    /// Says what was written; usage_error when a file could not be written to its end.
    void close(std::ostream& out);

private:
    std::ostream& open(std::string const& path);
    std::ostream& out_;
    bool to_out_ = false;
    std::vector<std::pair<std::string, std::unique_ptr<std::ofstream>>> files_;  // outlive the reports
    std::vector<std::unique_ptr<report>> all_;
    std::vector<std::string> announced_;
};

}  // namespace bsp::conformance
