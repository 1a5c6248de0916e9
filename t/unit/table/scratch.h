#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "log/log.h"

namespace mta::table {

// A directory of the test's own, removed with the object.
class Scratch {
public:
    Scratch()
    {
        std::string name = std::filesystem::temp_directory_path() / "table_t.XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path(const std::string& name) const { return path_ / name; }
    std::string write(const std::string& name, const std::string& content) const
    {
        std::ofstream(path(name), std::ios::binary | std::ios::trunc) << content;
        return path(name);
    }
    std::string read(const std::string& name) const
    {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    std::filesystem::path path_;
};

// Log lines go to a file of the test instead of standard error, while the object lives.
class CapturedLog {
public:
    explicit CapturedLog(const Scratch& dir) : dir_(dir) { log::open_file(dir.write("log", "")); }
    ~CapturedLog() { log::open_stderr(); }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;
    std::string text() const { return dir_.read("log"); }

private:
    const Scratch& dir_;
};

}  // namespace mta::table
