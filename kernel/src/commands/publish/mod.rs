//! `cargo labs publish`: all labs as web pages with their outputs, for readers who only want to look, and the lecture as slides.

mod deck;
mod lab;
mod page;
mod paper;

use crate::commands::check::Check;
use crate::environment;
use crate::place::{Place, make_private, replace, scratch};
use crate::progress::Steps;
use anyhow::{Context, Error, Result, bail};
use clap::Args;
use lab::Lab;
use labs_launcher::venv;
use page::{Kind, Page};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Vega-Lite's version: the figures are written for the 5, and JupyterLab draws them with it.
const VEGA_LITE: &str = "5.21";

/// The options of `cargo labs publish`.
#[derive(Args, Debug)]
pub struct Publish {
    /// The folder for the pages; `target/labs/site` if none is named
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Take the notebooks as they are, with the outputs that they have, and run nothing
    #[arg(long)]
    as_is: bool,
    /// Write each notebook with its outputs into this folder, too
    #[arg(long, value_name = "FOLDER", conflicts_with = "as_is")]
    save: Option<PathBuf>,
    /// The notebooks; all labs if none is named
    notebooks: Vec<PathBuf>,
}

impl Publish {
    /// Runs the notebooks, then writes one page for each, and a first page that leads to them. Each page is one file with everything that
    /// it needs.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        place.require_checkout("publish")?;
        let notebooks = if self.notebooks.is_empty() {
            place.labs()?
        } else {
            self.notebooks
        };
        let out = self.out.unwrap_or_else(|| place.home.join("site"));
        environment::set_up(&place)?;
        let scratch = scratch()?;

        let executed = if self.as_is {
            notebooks
        } else {
            let folder = self.save.unwrap_or_else(|| scratch.path().join("executed"));
            eprintln!("Running {} notebooks, a line for each:", notebooks.len());
            Check::for_pages(&folder, notebooks.clone()).run()?;
            let names = notebooks.iter().filter_map(|path| path.file_name());
            names.map(|name| folder.join(name)).collect()
        };
        let solutions = place.notebooks().join("solutions");
        let labs = executed
            .iter()
            .map(|path| Lab::read(path, &solutions))
            .collect::<Result<Vec<Lab>>>()?;

        let papers: Vec<Page> = paper::pages(&labs)?;
        let mut pages = vec![Page {
            name: "index".into(),
            title: "Coordination labs".into(),
            notebook: lab::gallery(&labs, &papers)?,
            kind: Kind::Gallery,
        }];
        for lab in &labs {
            pages.push(Page {
                name: lab.name.clone(),
                title: lab.title.clone(),
                notebook: lab.prepared(&labs)?,
                kind: match lab.is_lecture() {
                    true => Kind::Deck,
                    false => Kind::Lab,
                },
            });
        }
        pages.extend(papers);
        let bodies = bodies(&place, scratch.path(), &pages)?;
        let vega = match bodies.iter().any(|body| page::has_sliders(body)) {
            true => vega(&place, scratch.path())?,
            false => String::new(),
        };
        fs::create_dir_all(&out)
            .with_context(|| format!("The folder {} cannot be made", out.display()))?;
        for (index, body) in bodies.iter().enumerate() {
            let html = page::html(&pages, index, body, &vega);
            let file = out.join(format!("{}.html", pages[index].name));
            replace(&file, html.as_bytes())?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?; // others may read the pages
        }
        println!(
            "{} pages; begin with {}.",
            pages.len(),
            out.join("index.html").display()
        );
        Ok(())
    }
}

/// Vega-Lite as one script.
fn vega(place: &Place, scratch: &Path) -> Result<String> {
    let requirements = scratch.join("requirements.txt");
    fs::write(&requirements, include_str!("requirements.txt"))?;
    let environment = place.home.join("publish");
    if !venv::is_made(&environment, &requirements) {
        make_private(&place.home)?;
        Steps::new(1).step(
            "Installing what the sliders need (a download of 30 MB)",
            || venv::make(&environment, &requirements).map_err(Error::msg),
        )?;
    }
    let script = format!(
        "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle(vl_version='{VEGA_LITE}'))"
    );
    python(&environment, scratch, &["-I", "-c", &script])
}

/// The cells of each page as HTML.
fn bodies(place: &Place, scratch: &Path, pages: &[Page]) -> Result<Vec<String>> {
    let templates = scratch.join("templates");
    let template = templates.join("labs");
    fs::create_dir_all(&template)?;
    fs::write(
        template.join("conf.json"),
        include_str!("template/labs/conf.json"),
    )?;
    fs::write(
        template.join("index.html.j2"),
        include_str!("template/labs/index.html.j2"),
    )?;
    let (cells, html) = (scratch.join("cells"), scratch.join("html"));
    fs::create_dir_all(&cells)?;
    let mut arguments: Vec<String> = [
        "-I",
        "-m",
        "nbconvert",
        "--to=html",
        "--template=labs",
        "--log-level=WARN",
    ]
    .map(String::from)
    .to_vec();
    arguments.push(format!(
        "--TemplateExporter.extra_template_basedirs={}",
        templates.display()
    ));
    arguments.push(format!("--output-dir={}", html.display()));
    for page in pages {
        let file = cells.join(format!("{}.ipynb", page.name));
        fs::write(&file, page.notebook.to_string())?;
        arguments.push(file.display().to_string());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    python(&place.venv(), scratch, &arguments)?;
    let read = |Page { name, .. }: &Page| {
        let file = html.join(format!("{name}.html"));
        fs::read_to_string(&file).with_context(|| format!("nbconvert has not written {name}.html"))
    };
    pages.iter().map(read).collect()
}

/// Runs a Python of ours without the user's own settings, and returns what it prints.
fn python(environment: &Path, scratch: &Path, arguments: &[&str]) -> Result<String> {
    let output = venv::python(environment.join("bin/python"))
        .args(arguments)
        .env("JUPYTER_CONFIG_DIR", scratch.join("settings"))
        .env("JUPYTER_NO_CONFIG", "1")
        .output()
        .with_context(|| format!("{} has no Python", environment.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("A page cannot be made. Python said: {}", said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
